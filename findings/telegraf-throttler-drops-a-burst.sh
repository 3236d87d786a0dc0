#!/usr/bin/env bash
# telegraf-throttler 0.6.0 (npm): of eight messages that one person sends at once, three vanish.
#
# Expected: a throttler delays what comes too fast. With its defaults it also throttles what comes
# in: one message of a person at a time, three that wait, and for each further one the oldest of
# those that wait is dropped. `handleUpdate` succeeds for the dropped ones, so that Telegram has
# its 200 and does not send them again; a line on the console is all there is, and it does not name
# the person. (The README has the defaults, under the heading of throttling.)
#
# Why it matters here: it is installed for what goes out, which Telegram limits. A manager who
# forwards a client's eight messages to the bot finds five in the CRM, the first two and the last.
# What follows: `in: { maxConcurrent: 1 }`, or throttle outgoing calls alone.
#
# Seen with telegraf 4.16.3 on Node 20, 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$work" && npm install --silent --no-audit --no-fund \
  telegraf-throttler@0.6.0 telegraf@4.16.3 bottleneck@2.19.5 >/dev/null)

cd "$work"
cat >forward.js <<'JS'
const { Telegraf } = require("telegraf");
const { telegrafThrottler } = require("telegraf-throttler");

async function forward(name, options) {
  const bot = new Telegraf("1:token");
  bot.botInfo = { id: 1, is_bot: true, username: "crm_bot", first_name: "CRM" };
  bot.use(telegrafThrottler(options));
  const handled = [];
  bot.on("message", (context) => handled.push(context.message.text));
  const updates = [1, 2, 3, 4, 5, 6, 7, 8].map((number) => ({
    update_id: number,
    message: {
      message_id: number,
      date: 1700000000,
      chat: { id: 7, type: "private", first_name: "Anna" },
      from: { id: 7, is_bot: false, first_name: "Anna" },
      text: String(number),
    },
  }));
  const ends = await Promise.allSettled(updates.map((update) => bot.handleUpdate(update)));
  const taken = ends.filter(({ status }) => status === "fulfilled").length;
  console.log(`${name}: ${taken} of 8 updates succeed, handled: ${handled.join(" ")}`);
}
(async () => {
  await forward("defaults", undefined);
  await forward("in without a limit", { in: { maxConcurrent: 1 } });
  process.exit(0);
})();
JS
seen=$(node forward.js 2>/dev/null)
expected='defaults: 8 of 8 updates succeed, handled: 1 2 6 7 8
in without a limit: 8 of 8 updates succeed, handled: 1 2 3 4 5 6 7 8'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
