/** What the client uses of a WebSocket, so that a browser's and the one of the package `ws` both do. */
export interface WebSocketLike {
  readonly readyState: number;
  addEventListener(type: 'open' | 'error', listener: () => void): void;
  addEventListener(type: 'message', listener: (event: { data: unknown }) => void): void;
  addEventListener(type: 'close', listener: (event: { code: number }) => void): void;
  send(text: string): void;
  close(code?: number, reason?: string): void;
}

/** `WebSocket` of the browser, of Node 22, or of the package `ws`. */
export type WebSocketClass = new (url: string, protocols?: string | string[]) => WebSocketLike;

/** A text that may stand in `Sec-WebSocket-Protocol`. */
const protocolText = /^[\w!#$%&'*+.^`|~-]+$/;

/**
 * Opens a socket. The token goes into the sub-protocols, out of sight of logs; one that cannot be written there goes
 * into the address.
 */
export function openSocket(Socket: WebSocketClass, url: string, token: string | undefined): WebSocketLike {
  const address = new URL(url, (globalThis as { location?: { href: string } }).location?.href);
  address.protocol = address.protocol.replace('http', 'ws');
  if (token === undefined) return new Socket(address.href);
  if (protocolText.test(token)) return new Socket(address.href, ['bearer', token]);
  address.searchParams.set('token', token);
  return new Socket(address.href);
}

/** The class to connect with. */
export function findWebSocket(given: unknown): WebSocketClass {
  const found = given ?? (globalThis as { WebSocket?: unknown }).WebSocket;
  if (typeof found === 'function') return found as WebSocketClass;
  throw new Error('There is no WebSocket here. On Node 20 install the package ws and give its class as `WebSocket`.');
}
