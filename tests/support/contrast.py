"""Contrast of what a browser draws, by its computed colours: WCAG 2.2, 1.4.3 for text, 1.4.11 for shapes."""

_CONTRAST = """
  const rgb = (color) => color.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((one) => one / 255)
    .map((one) => one <= 0.03928 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4)
    .reduce((sum, one, index) => sum + one * [0.2126, 0.7152, 0.0722][index], 0);
  const behind = (one) => {
    for (; one; one = one.parentElement) {
      const color = rgb(getComputedStyle(one).backgroundColor);
      if (color.length < 4 || color[3] > 0) return color;
    }
    return [255, 255, 255];
  };
  const contrast = (one, color) => {
    const [a, b] = [light(rgb(color)), light(behind(one))];
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  };
"""
# Text that is too faint, as "ratio colour background text".
FAINT = f"""(() => {{ {_CONTRAST}
  const faint = [];
  for (const one of document.querySelectorAll("body *")) {{
    const text = [...one.childNodes].filter((node) => node.nodeType === 3)
      .map((node) => node.data.trim()).join("");
    if (!text || !one.checkVisibility() || one.closest("svg, .unseen, noscript, option, script")) continue;
    const style = getComputedStyle(one), size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    const ratio = contrast(one, style.color);
    if (ratio < (large ? 3 : 4.5))
      faint.push([ratio.toFixed(2), style.color, behind(one), text.slice(0, 40)].join(" "));
  }}
  return faint;
}})()"""
# Bars of the chart that do not stand out from their background.
FAINT_BARS = f"""(() => {{ {_CONTRAST}
  return [...document.querySelectorAll(".chart rect:not(.slot)")]
    .map((one) => [contrast(one, getComputedStyle(one).fill), one.getAttribute("class")])
    .filter(([ratio]) => ratio < 3).map(([ratio, name]) => `${{ratio.toFixed(2)}} ${{name}}`);
}})()"""
