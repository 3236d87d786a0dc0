#!/usr/bin/env bash
# n8n-workflow 2.41.0 (npm): with "convert types where required", the text "0" is true in n8n's
# conditions, and an emptied field is the number 0.
#
# Expected: the conditions of n8n's If and Filter, which this package evaluates, convert a text to
# what it says where the switch for that is on. The package has a conversion that does: "0" and
# "false" are false, "N" is refused. The conditions use JavaScript's Boolean instead, for which any
# text but the empty one is true: "0", "N" and "false" as well. Texts become numbers by JavaScript's
# rules: "" is 0, so that it equals 0 and is less than 1; "007" is 7; and of 17 digits the last are
# rounded, so that two ids are equal. Without the switch all of these are errors.
#
# Why it matters here: a form has texts only, so the switch is needed, and PHP writes false as "0".
# `ACTIVE` "is true" is then true of everybody, those who were dismissed included.
# What follows: compare as texts: `ACTIVE` is equal to "1".
#
# Seen on Node 20, 2026-11-27.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$work" && npm install --silent --no-audit --no-fund --ignore-scripts \
  n8n-workflow@2.41.0 >/dev/null)

cd "$work"
cat >ask.js <<'JS'
const { executeFilter, validateFieldType } = require("n8n-workflow");

function ask(typeValidation, type, left, operation, right) {
  const operator = { type, operation, singleValue: right === undefined };
  try {
    return executeFilter({
      options: { caseSensitive: true, leftValue: "", typeValidation },
      combinator: "and",
      conditions: [{ id: "1", leftValue: left, rightValue: right, operator }],
    });
  } catch {
    return "an error";
  }
}
const questions = [
  ["boolean", "1", "true"],
  ["boolean", "0", "true"],
  ["boolean", "N", "true"],
  ["boolean", "false", "true"],
  ["boolean", "", "true"],
  ["number", "", "equals", 0],
  ["number", "", "lt", 1],
  ["number", "007", "equals", 7],
  ["number", "12345678901234567", "equals", "12345678901234568"],
];
for (const [type, left, operation, right] of questions) {
  const loose = ask("loose", type, left, operation, right);
  const strict = ask("strict", type, left, operation, right);
  const question = right === undefined ? operation : `${operation} ${right}`;
  console.log(`${type} "${left}" ${question}: ${loose}, without the switch ${strict}`);
}
for (const text of ["1", "0", "N", "false"]) {
  const { valid, newValue } = validateFieldType("ACTIVE", text, "boolean");
  console.log(`validateFieldType: "${text}" is ${valid ? newValue : "refused"}`);
}
JS
seen=$(node ask.js)
expected='boolean "1" true: true, without the switch an error
boolean "0" true: true, without the switch an error
boolean "N" true: true, without the switch an error
boolean "false" true: true, without the switch an error
boolean "" true: false, without the switch an error
number "" equals 0: true, without the switch an error
number "" lt 1: true, without the switch an error
number "007" equals 7: true, without the switch an error
number "12345678901234567" equals 12345678901234568: true, without the switch an error
validateFieldType: "1" is true
validateFieldType: "0" is false
validateFieldType: "N" is refused
validateFieldType: "false" is false'
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this changed; expected:"; printf '%s\n' "$expected"; exit 1; }
