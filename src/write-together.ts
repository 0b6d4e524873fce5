import type { Socket } from 'node:net';
import type { Redis } from 'ioredis';

/**
 * Commands of the same turn of the event loop leave in one system call, and Redis takes them in one. ioredis writes each
 * by itself. Its automatic pipelines would change what a failed command means; and V8 keeps each, with all that its
 * commands hold, until it collects the whole heap, since each has a hidden class of its own.
 */
export function writeTogether(client: Redis): void {
  client.on('connect', () => {
    const { stream } = client as unknown as { stream: Socket };
    const write = stream.write;
    let isHeld = false;
    stream.write = ((...args: Parameters<typeof write>) => {
      if (!isHeld) {
        isHeld = true;
        stream.cork();
        setImmediate(() => {
          isHeld = false;
          stream.uncork();
        });
      }
      return write.apply(stream, args);
    }) as typeof write;
  });
}
