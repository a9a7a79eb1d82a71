'use strict';
// Brings Node's own clients to the proxy in HTTPS_PROXY: http and https through their agents, and fetch and WebSocket
// through their dispatcher. Node from 22.21 and 24.5 on does it by NODE_USE_ENV_PROXY, but only for fetch and its own
// agent: one that a caller made would still go past the proxy, so agents are brought here in every version.
// Every connection is a CONNECT tunnel, so keep-alive, streaming, redirects and time limits stay Node's own.
// Unix sockets stay as they are.
(() => {
  const env = process.env;
  const text = env.https_proxy || env.HTTPS_PROXY || env.http_proxy || env.HTTP_PROXY;
  let proxy;
  try { proxy = new URL(text); } catch { return; }
  if (proxy.protocol !== 'http:') return;

  const mark = Symbol.for('katana.preload');
  if (globalThis[mark]) return;
  Object.defineProperty(globalThis, mark, { value: true });

  const net = require('net');
  const tls = require('tls');
  const http = require('http');
  const https = require('https');

  const proxyHost = proxy.hostname.replace(/^\[|\]$/g, '');
  const proxyPort = Number(proxy.port || 80);
  const HEAD_LIMIT = 64 * 1024;
  const CONNECT_LIMIT = 60_000;

  const failure = (message, more) => Object.assign(new Error(message), { code: 'ERR_PROXY_TUNNEL' }, more);
  const bare = (host) => String(host || 'localhost').replace(/^\[|\]$/g, '');
  const isProxy = (host, port) => port === proxyPort && (host === proxyHost || (host === 'localhost' && proxyHost === '127.0.0.1'));

  // Opens a tunnel to host:port; done(error, socket) is called once. Returns a function that gives the tunnel up.
  function tunnel(host, port, done) {
    const authority = `${net.isIPv6(host) ? `[${host}]` : host}:${port}`;
    const socket = net.connect({ host: proxyHost, port: proxyPort, noDelay: true });
    let seen = Buffer.alloc(0);
    let settled = false;
    const settle = (error) => {
      if (settled) return;
      settled = true;
      socket.removeListener('data', onData);
      socket.removeListener('error', onError);
      socket.removeListener('close', onClose);
      socket.removeListener('timeout', onTimeout);
      socket.setTimeout(0);
      if (error) {
        socket.on('error', () => {});
        socket.destroy();
        done(error);
      } else {
        done(null, socket);
      }
    };
    const onError = (error) => settle(error);
    const onClose = () => settle(failure(`the proxy closed the connection for ${authority}`));
    const onTimeout = () => settle(failure(`the proxy did not answer for ${authority}`, { code: 'ETIMEDOUT' }));
    const onData = (chunk) => {
      seen = seen.length ? Buffer.concat([seen, chunk]) : chunk;
      const end = seen.indexOf('\r\n\r\n');
      if (end < 0) {
        if (seen.length > HEAD_LIMIT) settle(failure(`the proxy answered no HTTP for ${authority}`));
        return;
      }
      const head = seen.subarray(0, end).toString('latin1');
      const status = Number((/^HTTP\/1\.[01] (\d{3})/.exec(head) || [])[1] || 0);
      if (status < 200 || status > 299) {
        const field = (name) => (new RegExp(`^${name}: *(.*)$`, 'im').exec(head) || [])[1];
        const why = field('x-katana-code');
        settle(failure(`the proxy refused ${authority}: ${status || 'no status'}${why ? ` ${why}` : ''}`,
          { statusCode: status, verdict: field('x-katana-verdict'), exchange: field('x-katana-exchange') }));
        return;
      }
      // in both protocols the server waits for us
      if (seen.length > end + 4) settle(failure(`bytes nobody asked for in the tunnel to ${authority}`));
      else settle(null);
    };
    socket.on('data', onData);
    socket.on('error', onError);
    socket.on('close', onClose);
    socket.on('timeout', onTimeout);
    socket.setTimeout(CONNECT_LIMIT);
    socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
    return settle;
  }

  // A request that has no socket yet hears neither its time limit nor its caller's destroy(): both reach the tunnel here.
  const asking = Symbol('katana.request');
  function watch(request, giveUp) {
    const timer = request.timeout > 0 ? setTimeout(() => request.emit('timeout'), request.timeout) : undefined;
    const own = Object.getOwnPropertyDescriptor(request, 'destroy');
    request.destroy = function destroy(error) {
      const destroyed = own ? own.value : Object.getPrototypeOf(request).destroy;
      const result = destroyed.call(request, error);
      giveUp(error || failure('socket hang up', { code: 'ECONNRESET' }));
      return result;
    };
    return () => {
      clearTimeout(timer);
      if (own) Object.defineProperty(request, 'destroy', own);
      else delete request.destroy;
    };
  }

  // http and https: every agent makes its connections here, one that a caller made as well.
  const create = http.Agent.prototype.createSocket;
  http.Agent.prototype.createSocket = function createSocket(request, options, done) {
    const box = { request };
    return create.call(this, request, { ...options, [asking]: box }, done);
  };
  function throughTunnel(Agent, defaultPort, finish) {
    const direct = Agent.prototype.createConnection;
    Agent.prototype.createConnection = function createConnection(options, done) {
      if (options === null || typeof options !== 'object' || typeof done !== 'function' || options.socketPath || options.socket
        || (this.options && this.options.proxyEnv)) { // an agent that does it by itself
        return direct.apply(this, arguments);
      }
      const host = bare(options.host || options.hostname);
      const port = Number(options.port || defaultPort);
      if (isProxy(host, port)) return direct.apply(this, arguments); // a client that knows the proxy by itself
      let unwatch = () => {};
      const giveUp = tunnel(host, port, (error, socket) => {
        unwatch();
        if (error) return done(error);
        let connection;
        try { connection = finish(this, direct, options, socket, host); } catch (thrown) {
          socket.destroy();
          return done(thrown);
        }
        if (options.timeout) connection.setTimeout(options.timeout);
        if (options.keepAlive) socket.setKeepAlive(true, options.keepAliveInitialDelay);
        done(null, connection);
      });
      const box = options[asking];
      if (box && box.request) unwatch = watch(box.request, giveUp);
      if (box) box.request = undefined; // the options live as long as the socket
      return undefined;
    };
  }
  for (const module of [http, https]) {
    const { options } = module.globalAgent;
    // one way for all agents: Node's own would send http:// in absolute form, and its callers see other errors
    if (options && options.proxyEnv) module.globalAgent = new module.Agent({ ...options, proxyEnv: undefined });
  }
  throughTunnel(http.Agent, 80, (_agent, _direct, _options, socket) => socket);
  throughTunnel(https.Agent, 443, (agent, direct, options, socket, host) => {
    const over = { ...options, socket, host };
    if (over.servername === undefined && !net.isIP(host)) over.servername = host;
    return direct.call(agent, over); // with the agent's session cache
  });

  // The `ws` package connects by functions of its own with these names; without them its requests use the agent.
  const evades = (o) => o !== null && typeof o === 'object' && !o.agent && !o.socketPath
    && typeof o.createConnection === 'function' && /^(tls|net)Connect$/.test(o.createConnection.name);
  for (const module of [http, https]) {
    for (const name of ['request', 'get']) {
      const own = module[name];
      module[name] = { [name](...args) {
        return own.apply(this, args.map((arg) => (evades(arg) ? Object.assign(Object.create(Object.getPrototypeOf(arg)), arg, { createConnection: undefined }) : arg)));
      } }[name];
    }
  }
  require('module').syncBuiltinESMExports();

  // fetch and WebSocket: a dispatcher of the class Node made its own of, with another way to connect.
  const key = Symbol.for('undici.globalDispatcher.1');
  try {
    void globalThis.Headers; // makes Node load its client and set its dispatcher
    const own = globalThis[key];
    if (!own || own.constructor.name === 'EnvHttpProxyAgent') return; // NODE_USE_ENV_PROXY
    const connect = (options, done) => {
      const secure = options.protocol === 'https:';
      const host = bare(options.hostname);
      tunnel(host, Number(options.port || (secure ? 443 : 80)), (error, socket) => {
        if (error) return done(error, null);
        socket.setKeepAlive(true, 60_000);
        if (!secure) return done(null, socket);
        const servername = options.servername || (net.isIP(host) ? undefined : host);
        const over = tls.connect({ socket, host, servername, ALPNProtocols: ['http/1.1'] });
        const failed = (why) => done(why, null);
        over.once('error', failed);
        over.once('secureConnect', () => {
          over.removeListener('error', failed);
          done(null, over);
        });
      });
    };
    globalThis[key] = new own.constructor({ connect });
  } catch (error) {
    process.emitWarning(`katana: fetch does not go through the proxy: ${error.message}`);
  }
})();
