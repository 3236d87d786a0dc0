// A bot's handler in Node, as people write it: node express.cjs PORT TOKEN FILE.
const fs = require('node:fs');
const [port, token, file] = process.argv.slice(2);

function handle(header, body) {
  if (header !== token || body.auth.application_token !== token) return 401;
  const fields = (body.data && body.data.FIELDS_AFTER) || body.data;
  fs.appendFileSync(file, JSON.stringify({ event: body.event, id: fields.ID, data: body.data }) + '\n');
  return 200;
}

const express = require('express');
const app = express();
app.use(express.urlencoded({ extended: true }));
app.post('/bitrix', (request, response) => response.sendStatus(handle(request.get('X-Bitrix-Token'), request.body)));
app.listen(Number(port), '127.0.0.1');
