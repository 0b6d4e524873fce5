/**
 * A host with other WebSocket servers on the same HTTP server, run by ../neighbours.test.ts on Express 5 and 4. Prints
 * one line for each thing it has seen.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import express from 'express';
import { createChat } from 'express-realtime-chat';
import { connectTestClient } from 'express-realtime-chat/testing';
import { Server as SocketIoServer } from 'socket.io';
import { io } from 'socket.io-client';
import { WebSocket, WebSocketServer } from 'ws';

/** Who the `?user=` of the URL names. */
const authenticate = ({ url }) => ({ id: Number(new URLSearchParams(url.split('?')[1]).get('user')) });

const echo = (socket) => socket.on('message', (text) => socket.send(`echo ${text}`));

/** What may stand beside the chat: made on the HTTP server, before or after the chat is attached. */
const neighbours = {
  none: () => {},
  socketIo: (server) => {
    const sockets = new SocketIoServer(server);
    sockets.on('connection', (socket) => socket.on('ask', (text, answer) => answer(`echo ${text}`)));
    return () => sockets.close();
  },
  wsWithPath: (server) => {
    const sockets = new WebSocketServer({ server, path: '/echo' });
    sockets.on('connection', echo);
    return () => sockets.close();
  },
  wsByHand: (server) => {
    const sockets = new WebSocketServer({ noServer: true });
    server.on('upgrade', (request, socket, head) => {
      if (request.url === '/echo') sockets.handleUpgrade(request, socket, head, echo);
    });
  },
};

async function talkToEcho(port) {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/echo`);
  await once(socket, 'open');
  socket.send('hello');
  const [answer] = await once(socket, 'message');
  assert.equal(String(answer), 'echo hello');
  socket.close();
}

async function talkToSocketIo(port, path) {
  const client = io(`http://127.0.0.1:${port}`, {
    path,
    transports: ['websocket'],
    forceNew: true,
    reconnection: false,
  });
  assert.equal(await client.timeout(5000).emitWithAck('ask', 'hello'), 'echo hello');
  client.close();
}

async function talkToChat(port, url = '/messaging/') {
  const client = await connectTestClient(`ws://127.0.0.1:${port}${url}?user=1`, { timeout: 5000 });
  await client.expect('chat.notifications');
  const room = await client.request('room.create', { type: 'GroupChat', name: 'Alone', participants: [] });
  await client.request('message.send', { room_id: room.data.room_id, content: 'hello' });
  assert.equal((await client.expect('message.dispatch')).data.content, 'hello');
  // Longer than another server on the same HTTP server might take to spoil it.
  for (let beat = 0; beat < 3; beat++) await client.request('session.heartbeat', {});
  await client.close();
}

/** The HTTP status of an upgrade that is not let in. */
async function refusal(port, path, headers = {}) {
  return connectTestClient(`ws://127.0.0.1:${port}${path}`, { headers, timeout: 5000 }).then(
    () => 101,
    ({ status, message }) => status ?? message,
  );
}

/** Runs one host to its end. `make` gives the Express app its HTTP server. */
async function host(title, { isFirst = true, neighbour = 'none', byListen = false, mount = '' }, check) {
  const chat = createChat({ database: 'sqlite:neighbours.sqlite', authenticate, logLevel: 'error' });
  await chat.migrate();
  const [user] = await chat.models.User.findAll({ where: { id: 1 } });
  if (!user) await chat.sequelize.query("INSERT INTO users (id, username) VALUES (1, 'ann')");
  const app = express();
  if (mount) app.use(mount, chat.middleware());
  else app.use(chat.middleware());
  let server;
  let leave;
  if (byListen) {
    server = app.listen(0, '127.0.0.1');
    leave = neighbours[neighbour](server);
  } else {
    server = createServer(app);
    if (isFirst) chat.attach(server);
    leave = neighbours[neighbour](server);
    if (!isFirst) chat.attach(server);
    server.listen(0, '127.0.0.1');
  }
  await once(server, 'listening');
  try {
    await check(server.address().port);
    console.log(`ok ${title}`);
  } catch (error) {
    console.log(`failed ${title}: ${error.stack}`);
  }
  leave?.();
  await chat.close();
  server.close();
  server.closeAllConnections();
}

async function main() {
  const { version } = (await import('express/package.json', { with: { type: 'json' } })).default;
  console.log(`Express ${version}`);
  for (const byListen of [true, false]) {
    const by = byListen ? 'app.listen' : 'chat.attach';
    await host(
      `by ${by}: an unknown path is 404, a foreign origin 403, the own one is let in`,
      { byListen },
      async (port) => {
        await talkToChat(port);
        assert.equal(await refusal(port, '/nowhere'), 404);
        assert.equal(await refusal(port, '/messaging/more'), 404);
        assert.equal(await refusal(port, '/messaging/?user=1', { Origin: 'https://evil.example' }), 403);
        assert.equal(await refusal(port, '/messaging/?user=1', { Origin: `http://127.0.0.1:${port}` }), 101);
      },
    );
    await host(`by ${by}: mounted on a path`, { byListen, mount: '/chat' }, async (port) => {
      await talkToChat(port, '/chat/messaging/');
      assert.equal(await refusal(port, '/messaging/'), 404);
    });
    const orders = byListen ? [true] : [true, false];
    for (const isFirst of orders) {
      const when = `by ${by}, ${isFirst ? 'after' : 'before'} the chat`;
      await host(`Socket.IO ${when}`, { isFirst, byListen, neighbour: 'socketIo' }, async (port) => {
        await Promise.all([talkToChat(port), talkToSocketIo(port)]);
        assert.equal(await refusal(port, '/messaging/?user=1', { Origin: 'https://evil.example' }), 403);
      });
      for (const neighbour of ['wsWithPath', 'wsByHand']) {
        await host(`${neighbour} ${when}`, { isFirst, byListen, neighbour }, async (port) => {
          await Promise.all([talkToChat(port), talkToEcho(port)]);
          assert.equal(await refusal(port, '/messaging/?user=1', { Origin: 'https://evil.example' }), 403);
        });
      }
    }
  }
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
