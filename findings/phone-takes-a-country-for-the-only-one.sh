#!/usr/bin/env bash
# phone 3.1.72 (npm): with `country: "RU"`, "+375 29 123-45-67" is no number, and neither is 8 800, nor one
# with an extension.
#
# Expected: a country says how to read a number that has none, as in libphonenumber's `parse`, where a
# number with a plus is read by its plus. In `phone`, the country is the only one that is allowed: a
# customer from Minsk, Tashkent or Almaty has `phoneNumber: null`. Kazakhstan has +7 as well, which
# makes it look like a Russian number with a misprint. Without a country it is the United States, for
# numbers that do not begin with a plus.
# "доб. 12" and "ext. 12" make any number invalid, and 8 800 numbers are none in any country.
#
# Why it matters here: CRM contacts are linked to a chat by the phone, and the phones are normalised first.
# The list of those that "have no valid phone" is the list of foreign customers and of offices.
# What follows: call it a second time without `country` for a number with a plus, or use libphonenumber-js.
#
# Seen with libphonenumber-js 1.13.16 on Node 20, 2026-11-27. The numbers are made up.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$work" && npm install --silent --no-audit --no-fund phone@3.1.72 libphonenumber-js@1.13.16 >/dev/null)

cd "$work"
cat >normalise.mjs <<'JS'
import { parsePhoneNumberFromString } from "libphonenumber-js/max";
import { phone } from "phone";

const texts = [
  "8 (999) 123-45-67",
  "+375 29 123-45-67",
  "+998 90 123-45-67",
  "+7 701 123-45-67",
  "8 800 555-00-00",
  "+7 495 123-45-67 доб. 12",
];
for (const text of texts) {
  const parsed = parsePhoneNumberFromString(text, "RU");
  const valid = parsed?.isValid() ? parsed.number : null;
  const here = phone(text, { country: "RU" }).phoneNumber;
  console.log(`${text}: phone ${here}, without a country ${phone(text).phoneNumber}, libphonenumber ${valid}`);
}
JS
seen=$(node normalise.mjs)
printf '%s\n' "$seen"
expected='8 (999) 123-45-67: phone +79991234567, without a country null, libphonenumber +79991234567
+375 29 123-45-67: phone null, without a country +375291234567, libphonenumber +375291234567
+998 90 123-45-67: phone null, without a country +998901234567, libphonenumber +998901234567
+7 701 123-45-67: phone null, without a country +77011234567, libphonenumber +77011234567
8 800 555-00-00: phone null, without a country null, libphonenumber +78005550000
+7 495 123-45-67 доб. 12: phone null, without a country null, libphonenumber +74951234567'
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
