// Middlemen in Node, each written as people write it: node node.mjs NAME PORT TARGET.
// NAME is a set-up of lab/setups.toml; TARGET is the whole address that the event is passed on to.
import http from 'node:http'
import querystring from 'node:querystring'

const [name, port, target] = [process.argv[2], Number(process.argv[3]), process.argv[4]]
const origin = new URL(target).origin
const path = new URL(target).pathname
const module = async (id) => { const loaded = await import(id); return loaded.default ?? loaded }

async function expressApp (extended, pass) {
  const express = await module('express')
  const app = express()
  app.use(extended === undefined ? express.urlencoded() : express.urlencoded({ extended }))
  app.use(express.text({ type: 'text/*' }))
  app.post('/hook', async (req, res) => { await pass(req.body, req); res.send('ok') })
  app.listen(port, '127.0.0.1')
}

async function proxyBehind (extended, fix) {
  const express = await module('express')
  const { createProxyMiddleware, fixRequestBody } = await import('http-proxy-middleware')
  const app = express()
  if (extended !== null) app.use(express.urlencoded({ extended }))
  app.use('/hook', createProxyMiddleware({ target, ignorePath: true, on: fix ? { proxyReq: fixRequestBody } : {} }))
  app.listen(port, '127.0.0.1')
}

async function koaApp (pass) {
  const Koa = await module('koa')
  const bodyParser = await module('koa-bodyparser')
  const app = new Koa()
  app.use(bodyParser())
  app.use(async (ctx) => { await pass(ctx.request.body); ctx.body = 'ok' })
  app.listen(port, '127.0.0.1')
}

async function fastifyApp (pass) {
  const app = (await module('fastify'))()
  await app.register(await module('@fastify/formbody'))
  app.post('/hook', async (request) => { await pass(request.body); return 'ok' })
  await app.listen({ port, host: '127.0.0.1' })
}

const post = (body, headers = {}) => fetch(target, { method: 'POST', body, headers })
const FORM = { 'content-type': 'application/x-www-form-urlencoded' }
const JSON_TYPE = { 'content-type': 'application/json' }

const setups = {
  'express-axios': () => expressApp(undefined, async (body) => (await module('axios')).post(target, body)),
  'express-axios-extended': () => expressApp(true, async (body) => (await module('axios')).post(target, body)),
  'express-axios-form': () => expressApp(true, async (body) => (await module('axios')).post(target, body, { headers: FORM })),
  'express-axios-params-object': () => expressApp(false, async (body) => (await module('axios')).post(target, new URLSearchParams(body))),
  'express-axios-query': () => expressApp(false, async (body) => (await module('axios')).post(target, null, { params: body })),
  'express-axios-dots': () => expressApp(true, async (body) => (await module('axios')).post(target, body, { headers: FORM, formSerializer: { dots: true } })),
  'express-fetch-json': () => expressApp(true, (body) => post(JSON.stringify(body), JSON_TYPE)),
  'express-fetch-object': () => expressApp(true, (body) => post(body, FORM)),
  'express-urlsearchparams-nested': () => expressApp(true, (body) => post(new URLSearchParams(body))),
  'express-querystring': () => expressApp(true, (body) => post(querystring.stringify(body), FORM)),
  'express-qs': () => expressApp(true, async (body) => post((await module('qs')).stringify(body), FORM)),
  'express-qs-repeat': () => expressApp(true, async (body) => post((await module('qs')).stringify(body, { arrayFormat: 'repeat' }), FORM)),
  'express-qs-dots': () => expressApp(true, async (body) => post((await module('qs')).stringify(body, { allowDots: true }), FORM)),
  'express-raw': async () => {
    const express = await module('express')
    const app = express()
    app.use(express.raw({ type: '*/*' }))
    app.post('/hook', async (req, res) => { await post(req.body, { 'content-type': req.headers['content-type'] }); res.send('ok') })
    app.listen(port, '127.0.0.1')
  },
  'express-inspect': async () => { const { inspect } = await import('node:util'); return expressApp(true, (body) => post(inspect(body), FORM)) },
  'express-axios-multipart-dots': () => expressApp(true, async (body) => (await module('axios')).postForm(target, body, { formSerializer: { dots: true } })),
  'express-ofetch': () => expressApp(true, async (body) => (await import('ofetch')).ofetch(target, { method: 'POST', body })),
  'express-ky': () => expressApp(false, async (body) => (await module('ky')).post(target, { json: body })),
  'express-request': () => expressApp(true, async (body) => { const request = await module('request'); await new Promise((resolve) => request.post(target, { form: body }, resolve)) }),
  'express-formdata-node': () => expressApp(false, async (body) => {
    const { FormData } = await import('formdata-node')
    const form = new FormData()
    for (const [key, value] of Object.entries(body)) form.append(key, value)
    await (await import('undici')).fetch(target, { method: 'POST', body: form })
  }),
  'express-cloudevents': () => expressApp(true, async (body) => {
    const { CloudEvent, HTTP } = await import('cloudevents')
    const message = HTTP.structured(new CloudEvent({ type: 'bitrix24', source: '/relay', data: body }))
    await post(message.body, message.headers)
  }),
  'express-http-proxy': async () => {
    const express = await module('express')
    const proxy = await module('express-http-proxy')
    const app = express()
    app.use(express.urlencoded())
    app.use('/hook', proxy(origin, { proxyReqPathResolver: () => path }))
    app.listen(port, '127.0.0.1')
  },
  'express-got-form': () => expressApp(false, async (body) => (await import('got')).got.post(target, { form: body })),
  'express-got-json': () => expressApp(true, async (body) => (await import('got')).got.post(target, { json: body })),
  'express-superagent': () => expressApp(true, async (body) => (await module('superagent')).post(target).type('form').send(body)),
  'express-needle': () => expressApp(true, async (body) => (await module('needle'))('post', target, body)),
  'express-formdata-json': () => expressApp(true, async (body) => {
    const Form = await module('form-data')
    const form = new Form()
    for (const [key, value] of Object.entries(body)) form.append(key, typeof value === 'string' ? value : JSON.stringify(value))
    await (await module('axios')).post(target, form, { headers: form.getHeaders() })
  }),
  'express-formdata-stringify': () => expressApp(true, async (body) => {
    const form = new FormData()
    for (const [key, value] of Object.entries(body)) form.append(key, value)
    await post(JSON.stringify(form), JSON_TYPE)
  }),
  'express-undici-formdata': () => expressApp(false, async (body) => {
    const form = new FormData()
    for (const [key, value] of Object.entries(body)) form.append(key, value)
    await post(form)
  }),
  'jquery-param': () => expressApp(true, async (body) => {
    const { JSDOM } = await import('jsdom')
    const { jQueryFactory } = await import('jquery/factory')
    await post(jQueryFactory(new JSDOM('').window).param(body), FORM)
  }),
  'hpm-alone': () => proxyBehind(null, false),
  'hpm-after-parser': () => proxyBehind(true, false),
  'hpm-fix-extended': () => proxyBehind(true, true),
  'hpm-fix-simple': () => proxyBehind(false, true),
  'http-proxy': async () => {
    const proxy = (await module('http-proxy')).createProxyServer({ target, ignorePath: true })
    http.createServer((req, res) => proxy.web(req, res)).listen(port, '127.0.0.1')
  },
  'koa-fetch': () => koaApp((body) => post(JSON.stringify(body))),
  'koa-got': () => koaApp(async (body) => (await import('got')).got.post(target, { json: body })),
  'fastify-json': () => fastifyApp((body) => post(JSON.stringify(body), JSON_TYPE)),
  'fastify-form': () => fastifyApp((body) => post(new URLSearchParams(body))),
  'fastify-http-proxy': async () => {
    const app = (await module('fastify'))()
    await app.register(await module('@fastify/http-proxy'), { upstream: origin, prefix: '/hook', rewritePrefix: path })
    await app.listen({ port, host: '127.0.0.1' })
  },
  'hapi-wreck': async () => {
    const server = (await module('@hapi/hapi')).server({ port, host: '127.0.0.1' })
    const Wreck = await module('@hapi/wreck')
    server.route({ method: 'POST', path: '/hook', handler: async (request) => { await Wreck.post(target, { payload: request.payload }); return 'ok' } })
    await server.start()
  },
  'hono-json': async () => {
    const { Hono } = await import('hono')
    const { serve } = await import('@hono/node-server')
    const app = new Hono()
    app.post('/hook', async (c) => { await post(JSON.stringify(await c.req.parseBody()), JSON_TYPE); return c.text('ok') })
    serve({ fetch: app.fetch, port, hostname: '127.0.0.1' })
  },
  'worker-formdata': async () => {
    const { Miniflare } = await import('miniflare')
    const script = `export default { async fetch (request, env) {
      await fetch(env.TARGET, { method: 'POST', body: await request.formData() }); return new Response('ok') } }`
    await new Miniflare({ modules: true, script, port, host: '127.0.0.1', compatibilityDate: '2025-10-01', bindings: { TARGET: target } }).ready
  },
  'worker-pass': async () => {
    const { Miniflare } = await import('miniflare')
    const script = `export default { async fetch (request, env) {
      await fetch(env.TARGET, { method: 'POST', headers: request.headers, body: await request.text() }); return new Response('ok') } }`
    await new Miniflare({ modules: true, script, port, host: '127.0.0.1', compatibilityDate: '2025-10-01', bindings: { TARGET: target } }).ready
  },
  'node-red': async () => nodeRed({}),
  'node-red-headers': async () => nodeRed({ func: 'msg.headers = msg.req.headers; return msg' }),
  smee: async () => {
    // The channel's server is the far side of the network: it is played here, the client is the real one.
    const waiting = []
    http.createServer((req, res) => {
      if (req.method === 'GET') {
        res.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' })
        res.write('event: ready\ndata: {}\n\n')
        waiting.push(res)
        return
      }
      const form = []
      req.on('data', (piece) => form.push(piece)).on('end', async () => {
        const qs = await module('qs')
        const data = { ...req.headers, body: qs.parse(Buffer.concat(form).toString()), query: {}, timestamp: Date.now() }
        for (const client of waiting) client.write(`data: ${JSON.stringify(data)}\n\n`)
        res.end('ok')
      })
    }).listen(port, '127.0.0.1')
    const Smee = await module('smee-client')
    const client = new Smee({ source: `http://127.0.0.1:${port}/channel`, target, logger: { info () {}, error () {} } })
    client.start()
  }
}

async function nodeRed ({ func }) {
  const { mkdtempSync, writeFileSync } = await import('node:fs')
  const { spawn } = await import('node:child_process')
  const directory = mkdtempSync('/tmp/node-red-')
  const flow = [
    { id: 'tab', type: 'tab', label: 'lab' },
    { id: 'in', type: 'http in', z: 'tab', url: '/hook', method: 'post', wires: [[func ? 'fn' : 'ask']] },
    ...(func ? [{ id: 'fn', type: 'function', z: 'tab', func, outputs: 1, libs: [], wires: [['ask']] }] : []),
    { id: 'ask', type: 'http request', z: 'tab', method: 'POST', ret: 'txt', url: target, wires: [['out']] },
    { id: 'out', type: 'http response', z: 'tab', statusCode: '200', wires: [] }
  ]
  writeFileSync(`${directory}/flows.json`, JSON.stringify(flow))
  writeFileSync(`${directory}/settings.js`, `module.exports = { uiHost: '127.0.0.1', uiPort: ${port}, httpAdminRoot: false, flowFile: 'flows.json' }`)
  const red = spawn(process.execPath, ['node_modules/node-red/red.js', '-u', directory, '-s', `${directory}/settings.js`], { stdio: 'inherit' })
  process.on('SIGTERM', () => red.kill())
  red.on('exit', (code) => process.exit(code ?? 0))
}

if (!setups[name]) {
  console.error(`no set-up ${name}; there are: ${Object.keys(setups).join(' ')}`)
  process.exit(2)
}
await setups[name]()
