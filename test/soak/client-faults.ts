/** What clients do to a gateway: floods, half-open and stalled connections. */
import WebSocket from 'ws';
import { startProxy } from '../faults/proxy.js';
import type { Fault, FaultContext } from './faults.js';
import type { Person } from './people.js';
import type { Report } from './report.js';

/** Who misbehaves, in rooms of their own and in one with honest people. */
export interface Crowd {
  readonly people: readonly Person[];
  /** A room of `people[0]` to `people[9]`. */
  readonly roomId: string;
  readonly report: Report;
}

/** Opens a socket; it is not awaited. */
function open(url: string, { token }: Person): WebSocket {
  const socket = new WebSocket(url, ['bearer', token], { perMessageDeflate: false });
  socket.on('error', () => {});
  return socket;
}

const opened = (socket: WebSocket) =>
  new Promise<boolean>((resolve) => {
    socket.once('message', () => resolve(true));
    socket.once('close', () => resolve(false));
  });

const ended = (socket: WebSocket) =>
  new Promise<void>((resolve) => {
    if (socket.readyState === WebSocket.CLOSED) resolve();
    else socket.once('close', () => resolve());
  });

/** The faults of such a crowd. */
export function clientFaults({ people, roomId, report }: Crowd): Fault[] {
  const address = ({ system, random }: FaultContext) => random.pick(system.gateways).direct;
  const event = (type: string, data: object, id?: string) => JSON.stringify({ event_type: type, data, id });

  return [
    {
      name: 'a flood of events',
      async run(context) {
        const codes: number[] = [];
        await Promise.all(
          people.slice(0, 3).map(async (person) => {
            const socket = open(address(context), person);
            socket.on('close', (code) => codes.push(code));
            if (!(await opened(socket))) return;
            for (let sent = 0; sent < 3000 && socket.readyState === WebSocket.OPEN; sent++) {
              // Messages wait for each other, and their socket is not read meanwhile; heartbeats do not wait.
              if (sent % 10 > 0) socket.send(event('session.heartbeat', {}));
              else socket.send(event('message.send', { room_id: roomId, content: `flood ${sent}` }, String(sent)));
              if (sent % 200 === 199) await new Promise((resolve) => setTimeout(resolve, 1));
            }
            await Promise.race([ended(socket), context.wait(10)]);
            socket.terminate();
          }),
        );
        report.count('floods closed with 1008', codes.filter((code) => code === 1008).length);
      },
    },
    {
      name: 'clients that never read',
      async run(context) {
        const url = address(context);
        const stalled = people.slice(1, 9).map((person) => open(url, person));
        let closed = 0;
        for (const socket of stalled) socket.on('close', () => closed++);
        await Promise.all(stalled.map(opened));
        // The types of ws 7 do not know it; the one that runs is ws 8.
        for (const socket of stalled) (socket as unknown as { pause(): void }).pause();
        const writer = open(url, people[0]!);
        if (await opened(writer)) {
          const content = 'x'.repeat(9000);
          for (let sent = 0; sent < 400 && writer.readyState === WebSocket.OPEN; sent++) {
            writer.send(event('message.send', { room_id: roomId, content }, String(sent)));
            if (sent % 10 === 9) await context.wait(0.1);
          }
          await context.wait(6);
        }
        for (const socket of [...stalled, writer]) socket.terminate();
        report.count('stalled connections', stalled.length);
        report.count('stalled connections ended by then', closed);
      },
    },
    {
      name: 'half-open clients',
      async run(context) {
        const proxy = await startProxy(address(context));
        const url = `ws://127.0.0.1:${proxy.port}/messaging/`;
        const sockets = people.slice(0, 20).map((person) => open(url, person));
        await Promise.all(sockets.map(opened));
        proxy.blackHole();
        await context.wait(8);
        for (const socket of sockets) socket.terminate();
        await proxy.close();
      },
    },
  ];
}
