'use strict';
// The preload against a trivial CONNECT proxy. Names end in .test, so that whatever goes past the proxy finds nothing.
// `node preload_tests.cjs CERT KEY PRELOAD` starts origins and proxy, then itself as the client, with the preload.
const assert = require('assert');
const crypto = require('crypto');
const fs = require('fs');
const http = require('http');
const https = require('https');
const net = require('net');
const MB = 1 << 20;

function origin(req, res) {
  const path = req.url;
  if (path === '/hello') return res.end(`hello ${req.method} ${req.headers.host}`);
  if (path === '/moved') return res.writeHead(302, { location: '/hello' }).end();
  if (path === '/slow') return setTimeout(() => res.end('late'), 60_000).unref();
  if (path === '/sum') {
    const hash = crypto.createHash('sha256');
    req.on('data', (d) => hash.update(d)).on('end', () => res.end(hash.digest('hex')));
    return undefined;
  }
  if (path.startsWith('/big/')) {
    let left = Number(path.slice(5)) * MB;
    const chunk = Buffer.alloc(256 * 1024, 7);
    res.setHeader('content-length', left);
    const more = () => {
      while (left > 0) {
        left -= chunk.length;
        if (!res.write(chunk)) return res.once('drain', more);
      }
      return res.end();
    };
    return more();
  }
  return res.writeHead(404).end();
}

async function serve() {
  const [, , cert, key, preload] = process.argv;
  const listen = (s) => new Promise((done) => s.listen(0, '127.0.0.1', () => done(s.address().port)));
  const plain = await listen(http.createServer(origin));
  const over = https.createServer({ cert: fs.readFileSync(cert), key: fs.readFileSync(key) }, origin);
  over.on('upgrade', (req, socket) => {
    socket.on('error', () => {}).write('HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n');
    socket.pipe(socket);
  });
  const secure = await listen(over);
  const proxy = http.createServer((req, res) => res.writeHead(501).end());
  const asked = [];
  proxy.on('connect', (req, client) => {
    asked.push(req.url);
    if (req.url.startsWith('denied.test')) {
      return client.end('HTTP/1.1 403 Forbidden\r\nx-katana-verdict: deny\r\nx-katana-code: denied_domain\r\n\r\n{}');
    }
    if (req.url.startsWith('silent.test')) return undefined;
    const up = net.connect(Number(req.url.split(':').pop()), '127.0.0.1', () => {
      client.write('HTTP/1.1 200 OK\r\n\r\n');
      client.pipe(up).pipe(client);
    });
    for (const s of [up, client]) s.on('error', () => { up.destroy(); client.destroy(); });
    return undefined;
  });
  const at = await listen(proxy);
  const by = `http://127.0.0.1:${at}`;
  const env = { ...process.env, HTTPS_PROXY: by, https_proxy: by, HTTP_PROXY: by, http_proxy: by, NODE_USE_ENV_PROXY: '1', NODE_EXTRA_CA_CERTS: cert,
    NODE_OPTIONS: `--require "${preload}"`, ORIGINS: JSON.stringify({ plain, secure }) };
  const child = require('child_process').spawn(process.execPath, [__filename], { env, stdio: 'inherit' });
  child.on('exit', (code, signal) => {
    if (code !== 0) process.exit(1);
    const count = (host) => asked.filter((a) => a.startsWith(`${host}:`)).length;
    // twenty requests on one agent that keeps alive, and not one more tunnel than that needs
    assert.strictEqual(count('alive.test'), 1, asked.join(' '));
    assert.ok(count('fetch-alive.test') <= 2, asked.join(' ')); // its pool opens a second when the first is not quite done
    assert.ok(count('origin.test') > 5);
    process.exit(signal ? 1 : 0);
  });
}

const body = (res) => new Promise((done, fail) => {
  const parts = [];
  res.on('data', (d) => parts.push(d)).on('end', () => done(Buffer.concat(parts))).on('error', fail);
});
const request = (mod, url, options = {}, data) => new Promise((done, fail) => {
  const req = mod.request(...(url ? [url] : []), options, (res) => body(res).then((b) => done({ status: res.statusCode, headers: res.headers, body: b }), fail));
  req.on('error', fail).on('timeout', () => req.destroy(new Error('timed out')));
  req.end(data);
});

async function cases() {
  const { plain, secure } = JSON.parse(process.env.ORIGINS);
  const s = (path, host = 'origin.test') => `https://${host}:${secure}${path}`;
  const p = (path, host = 'origin.test') => `http://${host}:${plain}${path}`;
  const upload = crypto.randomBytes(5 * MB);
  const sum = crypto.createHash('sha256').update(upload).digest('hex');

  for (const [mod, url] of [[http, p], [https, s]]) {
    const got = await request(mod, url('/hello'));
    assert.strictEqual(got.body.toString(), `hello GET ${new URL(url('/')).host}`);
    assert.strictEqual((await request(mod, url('/sum'), { method: 'POST' }, upload)).body.toString(), sum);
    assert.strictEqual((await request(mod, url('/hello'), { agent: false })).status, 200);
    const own = new mod.Agent({ keepAlive: true, maxSockets: 1 });
    for (let i = 0; i < 20; i++) assert.strictEqual((await request(mod, url('/hello', mod === https ? 'alive.test' : 'origin.test'), { agent: own })).status, 200);
    own.destroy();
    // options instead of a URL, and a header object, as axios and follow-redirects call it
    const u = new URL(url('/moved'));
    const moved = await request(mod, null, { protocol: u.protocol, hostname: u.hostname, port: u.port, path: u.pathname, headers: { accept: '*/*' } });
    assert.strictEqual(moved.status, 302);
    await assert.rejects(request(mod, url('/slow'), { timeout: 50 }), /timed out/);
    await assert.rejects(request(mod, url('/x', 'denied.test')), (e) => e.code === 'ERR_PROXY_TUNNEL' && e.statusCode === 403 && /denied_domain/.test(e.message));
    await assert.rejects(request(mod, url('/x', 'silent.test'), { timeout: 50 }), /timed out/);
    await assert.rejects(request(mod, url('/x', 'silent.test'), { signal: AbortSignal.timeout(50) }), (e) => e.name === 'AbortError');
    const cut = new AbortController();
    setTimeout(() => cut.abort(), 30);
    await assert.rejects(request(mod, url('/slow'), { signal: cut.signal }), (e) => e.name === 'AbortError');
  }
  assert.ok(http.get(p('/hello')) instanceof http.ClientRequest);

  let bytes = 0;
  await new Promise((done, fail) => https.get(s('/big/100'), (res) => res.on('data', (d) => { bytes += d.length; }).on('end', done)).on('error', fail));
  assert.strictEqual(bytes, 100 * MB);

  // the certificate is still checked, against the name that was asked for
  await assert.rejects(request(https, s('/hello', 'other.example')), (e) => e.code === 'ERR_TLS_CERT_ALTNAME_INVALID');
  await assert.rejects(fetch(s('/hello', 'other.example')), (e) => e.cause.code === 'ERR_TLS_CERT_ALTNAME_INVALID');

  for (const url of [p, s]) {
    assert.strictEqual(await (await fetch(url('/hello'))).text(), `hello GET ${new URL(url('/')).host}`);
    const moved = await fetch(url('/moved'));
    assert.ok(moved.redirected && moved.status === 200);
    assert.strictEqual(await (await fetch(url('/sum'), { method: 'POST', body: upload })).text(), sum);
    const stream = new ReadableStream({ start(c) { c.enqueue(upload.subarray(0, MB)); c.enqueue(upload.subarray(MB)); c.close(); } });
    assert.strictEqual(await (await fetch(url('/sum'), { method: 'POST', body: stream, duplex: 'half' })).text(), sum);
    await assert.rejects(fetch(url('/x', 'denied.test')), (e) => /403/.test((e.cause.cause || e.cause).message));
    await assert.rejects(fetch(url('/slow'), { signal: AbortSignal.timeout(50) }), (e) => e.name === 'TimeoutError');
  }
  for (let i = 0; i < 20; i++) await (await fetch(s('/hello', 'fetch-alive.test'))).text();
  bytes = 0;
  for await (const d of (await fetch(s('/big/100'))).body) bytes += d.length;
  assert.strictEqual(bytes, 100 * MB);

  const path = `${require('os').tmpdir()}/katana-preload-${process.pid}.sock`;
  const local = http.createServer((req, res) => res.end('local'));
  await new Promise((done) => local.listen(path, done));
  assert.strictEqual((await request(http, null, { socketPath: path, path: '/' })).body.toString(), 'local');
  local.close();
  // as the `ws` package asks for an upgrade
  const tlsConnect = (options) => require('tls').connect(options);
  const switched = await new Promise((done, fail) => https.request({ host: 'origin.test', port: secure, path: '/ws', createConnection: tlsConnect,
    headers: { connection: 'Upgrade', upgrade: 'websocket' } }).on('upgrade', (res, socket) => socket.once('data', (d) => { socket.destroy(); done(d.toString()); }).write('ping')).on('error', fail).end());
  assert.strictEqual(switched, 'ping');
  // and as modules import it
  const { get } = await import('node:https');
  assert.strictEqual(get, https.get);
  // a thread of its own has its own globals
  const { Worker } = require('worker_threads');
  const said = await new Promise((done, fail) => new Worker(
    `fetch(${JSON.stringify(s('/hello'))}).then((r) => r.text()).then((t) => require('worker_threads').parentPort.postMessage(t))`,
    { eval: true }).on('message', done).on('error', fail));
  assert.match(said, /^hello GET/);
  // a client that speaks to the proxy by itself is left alone
  const by = new URL(process.env.HTTPS_PROXY);
  assert.strictEqual((await request(http, null, { host: by.hostname, port: by.port, path: p('/hello') })).status, 501);
}

if (process.env.ORIGINS) {
  cases().then(() => process.exit(0), (e) => { console.error(e); process.exit(1); });
} else {
  serve();
}
