import { EventEmitter } from 'node:events';
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import express, { type Express, type RequestHandler } from 'express';
import expressWs from 'express-ws';
import type { Logger } from 'winston';
import type { ResolvedSettings } from '../settings/settings.js';
import type { ChatSocket } from './socket.js';

export interface MiddlewareOptions {
  readonly settings: ResolvedSettings;
  readonly logger: Logger;
  /** Takes over a socket whose upgrade is done. */
  accept(socket: ChatSocket, request: IncomingMessage): void;
  /** Called with the server that the host's `app.listen` made. */
  listening(server: Server): void;
}

export interface ChatMiddleware {
  /** For `app.use`: a sub-app, so that Express tells it where and on what it is mounted. */
  readonly handler: Express;
  /** Takes part in this server's upgrades. A second call for the same server does nothing. */
  attach(server: Server): void;
  /** Lets go of all servers. */
  close(): void;
}

type UpgradeRequest = IncomingMessage & { originalUrl?: string };

/**
 * Express and the upgrade. express-ws accepts whatever upgrade it sees, so it is given an emitter of its own, and that
 * gets only the upgrades of our path that passed the origin check. The server's other WebSocket paths are left alone, and
 * what serves them does not see ours.
 */
export function createMiddleware({ settings, logger, accept, listening }: MiddlewareOptions): ChatMiddleware {
  const upgrades = new EventEmitter();
  /** The servers taken part in, and how to let go of each. */
  const attached = new Map<Server, () => void>();
  const app = express();
  const { app: wsApp, getWss } = expressWs(app, upgrades as Server, {
    leaveRouterUntouched: true,
    wsOptions: {
      maxPayload: settings.maxPayload,
      perMessageDeflate: false,
      clientTracking: false,
      // The pair `bearer, <token>`: a browser wants one of its protocols named, and it must not be the token.
      handleProtocols: (offered: string[]) => (offered.includes('bearer') ? 'bearer' : (offered[0] ?? '')),
    },
  });
  wsApp.ws('/', (socket, request) => {
    // As the client sent it, for whoever authenticates by it.
    request.url = request.originalUrl;
    // A connection keeps its request: what only routing needed would stay for as long as the socket is open.
    Object.assign(request, { res: undefined, next: undefined });
    accept(socket as unknown as ChatSocket, request);
  });

  const isOurs = (url: string) => `${pathOf(url)}/` === fullPath() || pathOf(url) === fullPath();
  const fullPath = () => `${mountPath(app)}/${settings.websocketPath}`;

  const missed: RequestHandler = (request, response, next) => {
    const wantsUpgrade = request.headers.upgrade?.toLowerCase() === 'websocket';
    if (!wantsUpgrade || !isOurs(request.originalUrl)) return next();
    logger.error(
      'A WebSocket upgrade reached Express as a plain request: this HTTP server is not attached. Call chat.attach(server), or start it with app.listen().',
    );
    response.status(426).type('text').send('WebSocket upgrades are not attached to this server.');
  };
  app.use(missed);

  app.on('mount', (parent) => {
    const listen = parent.listen;
    parent.listen = function listenAndAttach(this: unknown, ...args: unknown[]) {
      const server = (listen as (...args: unknown[]) => Server).apply(this, args);
      listening(server);
      return server;
    } as typeof parent.listen;
  });

  function attach(server: Server): void {
    if (attached.has(server)) return;
    /** An upgrade of our path: refused, or handed to express-ws. */
    const take = (request: UpgradeRequest, socket: Duplex, head: Buffer) => {
      if (!isAllowedOrigin(request, settings.allowedOrigins)) return refuse(socket, '403 Forbidden');
      // express-ws cuts the query at a second '?', and routes by path: it gets the path alone.
      request.originalUrl = request.url ?? '/';
      request.url = '/';
      upgrades.emit('upgrade', request, socket, head);
    };
    // Node emits upgrades only to a server with a listener. Another one may serve this path; if not, nobody would answer.
    const onUpgrade = (_request: UpgradeRequest, socket: Duplex) => {
      if (server.listenerCount('upgrade') === 1) refuse(socket, '404 Not Found');
    };
    server.on('upgrade', onUpgrade);
    // Before the listeners, whenever they were added: `ws` with a path answers 400 to every upgrade of another path.
    const emit = server.emit;
    const emitOthers = function (this: Server, event: string, ...args: unknown[]) {
      const [request, socket, head] = args as [UpgradeRequest, Duplex, Buffer];
      if (event !== 'upgrade' || !attached.has(server) || !isOurs(request.url ?? '/')) {
        return Reflect.apply(emit, this, [event, ...args]);
      }
      take(request, socket, head);
      return true;
    } as Server['emit'];
    server.emit = emitOthers;
    attached.set(server, () => {
      server.off('upgrade', onUpgrade);
      // Who has wrapped it since goes on through ours, which takes nothing any more.
      if (server.emit === emitOthers) server.emit = emit;
    });
  }

  return {
    handler: app,
    attach,
    close() {
      for (const letGo of attached.values()) letGo();
      attached.clear();
      getWss().close();
    },
  };
}

const pathOf = (url: string): string => url.split('?', 1)[0]!;

/** Where the host mounted the sub-app, without a last slash. */
function mountPath(app: Express): string {
  const path = app.path();
  return path.endsWith('/') ? path.slice(0, -1) : path;
}

/** No Origin: not a browser, so authentication decides. Else the same host, or one that is listed. */
export function isAllowedOrigin(request: IncomingMessage, allowed: readonly string[]): boolean {
  const { origin, host } = request.headers;
  if (origin === undefined) return true;
  if (allowed.includes(origin.toLowerCase())) return true;
  // What browsers send, and nothing that a URL parser would make something else of: no user info, no path, no list.
  if (!/^https?:\/\/[\w.:[\]-]+$/i.test(origin)) return false;
  try {
    return host !== undefined && new URL(origin).host === new URL(`http://${host}`).host;
  } catch {
    return false;
  }
}

function refuse(socket: Duplex, status: string): void {
  socket.on('error', () => undefined);
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
