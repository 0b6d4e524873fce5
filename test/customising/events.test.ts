/** Own events, changed event maps, and what connections can do: as the original's documentation shows it. */
import Joi from 'joi';
import { DataTypes, type Model, type ModelStatic } from 'sequelize';
import { afterEach, describe, expect, test } from 'vitest';
import {
  ChatConnection,
  ChatMessagingConsumer,
  canAccessMessage,
  canAccessRoom,
  EventHandler,
  type EventMap,
  type EventPayloads,
  everyone,
  type Guard,
  isRoomAdmin,
  mapEventTypesToHandlers,
  NotFound,
  PermissionDenied,
  RateLimited,
  ValidationError,
  type WriteOptions,
} from '../../src/index.js';
import { errorOf, openTestChat, type TestChat } from '../../src/testing/index.js';

declare module '../../src/index.js' {
  interface EventPayloads {
    'message.pin': { room_id: string; message_id: string };
    'message.flag': { message_id: string; reason: string };
  }
  interface DispatchPayloads {
    'message.pinned': { message_id: string; pinned_by: string };
    'message.flagged': { message_id: string };
  }
}

let host: TestChat;

afterEach(() => host?.close());

const id = () => Joi.string().uuid().required();

describe('own events', () => {
  let Pin!: ModelStatic<Model>;

  class Pinning extends ChatMessagingConsumer {
    async receiveMessagePin({ room_id, message_id }: EventPayloads['message.pin']): Promise<void> {
      await this.transaction([room_id], async ({ transaction }) => {
        const message = await this.models.Message.findOne({ where: { id: message_id, room_id }, transaction });
        if (!message) throw new NotFound();
        await Pin.create({ room_id, message_id }, { transaction });
        this.sendGroup(`group-${room_id}`, 'message.pinned', {
          message_id,
          pinned_by: String(this.user.username),
        });
        if (message.content === 'broken') throw new Error('Too late');
      });
    }

    async receiveMessageFlag({ message_id, reason }: EventPayloads['message.flag']): Promise<void> {
      if (reason === 'boredom') throw new ValidationError({ reason: ['Not a reason.'] });
      this.sendGroup(`user-${this.user.id}`, 'message.flagged', { message_id });
    }
  }

  function mapEvents(consumer: Pinning): EventMap {
    const events = mapEventTypesToHandlers(consumer);
    events['message.pin'] = {
      guard: isRoomAdmin,
      handler: consumer.receiveMessagePin,
      schema: Joi.object({ room_id: id(), message_id: id() }),
    };
    events['message.flag'] = {
      guard: canAccessMessage,
      handler: consumer.receiveMessageFlag,
      schema: Joi.object({ message_id: id(), reason: Joi.string().max(100).required() }),
    };
    return events;
  }

  async function pinningHost() {
    host = await openTestChat((sequelize) => {
      Pin = sequelize.define('Pin', { room_id: DataTypes.STRING, message_id: DataTypes.STRING });
      return { consumerClass: Pinning, eventMapper: mapEvents };
    });
    const { ann, ben, cleo } = host.people;
    const room = await host.group(ann, ben);
    const say = async (content: string) =>
      (await host.chat.as(ann).send('message.send', { room_id: room, content })).message_id as string;
    return { ann, ben, cleo, room, say };
  }

  test('have a guard, a checked payload and a broadcast', async () => {
    const { ann, ben, cleo, room, say } = await pinningHost();
    const message = await say('Remember this');
    const [admin, member, outsider] = [await host.connect(ann), await host.connect(ben), await host.connect(cleo)];
    const pin = { room_id: room, message_id: message };
    expect(errorOf(await member.request('message.pin', pin)).code).toBe(4002);
    expect(errorOf(await outsider.request('message.pin', pin)).code).toBe(4002);
    expect(errorOf(await admin.request('message.pin', { ...pin, more: 1 }))).toMatchObject({
      code: 4003,
      detail: { more: [expect.any(String)] },
    });
    const answer = await admin.request('message.pin', pin);
    expect(answer).toMatchObject({ eventType: 'event.ack', data: { status: 'successful' } });
    const frame = await member.expect('message.pinned');
    expect(frame).toMatchObject({ room_id: room, data: { message_id: message, pinned_by: 'ann' } });
    expect(frame.offset).toBeGreaterThan(0);
    await admin.expect('message.pinned');
    await outsider.silence();
    expect(await Pin.count()).toBe(1);
    const elsewhere = await host.group(ann);
    expect(errorOf(await admin.request('message.pin', { room_id: elsewhere, message_id: message })).code).toBe(4004);
  });

  test('that fail inside their transaction send nothing but the error', async () => {
    const { ann, ben, room, say } = await pinningHost();
    const message = await say('broken');
    const [admin, member] = [await host.connect(ann), await host.connect(ben)];
    expect((await admin.request('message.pin', { room_id: room, message_id: message })).error).toEqual({
      code: 4006,
      detail: 'Internal server error.',
    });
    await member.silence();
    expect(await Pin.count()).toBe(0);
  });

  test('reach all devices of one user by user-', async () => {
    const { ben, ann, say } = await pinningHost();
    const message = await say('Hm');
    const [one, two, other] = [await host.connect(ben), await host.connect(ben), await host.connect(ann)];
    expect((await one.request('message.flag', { message_id: message, reason: 'rude' })).data).toEqual({
      status: 'successful',
    });
    for (const device of [one, two]) {
      expect(await device.expect('message.flagged')).toEqual({
        eventType: 'message.flagged',
        data: { message_id: message },
      });
    }
    await other.silence();
    const refused = await one.request('message.flag', { message_id: message, reason: 'boredom' });
    expect(refused.error).toEqual({ code: 4003, detail: { reason: ['Not a reason.'] } });
  });

  test('are sent by the host too', async () => {
    const { ann, ben, room, say } = await pinningHost();
    const message = await say('Remember this');
    const member = await host.connect(ben);
    const pin = { room_id: room, message_id: message };
    await expect(host.chat.as(ben).send('message.pin', pin)).rejects.toMatchObject({ code: 4002 });
    await host.chat.as(ann).send('message.pin', pin);
    await member.expect('message.pinned');
    await host.chat.system.send(ben, 'message.pin', pin);
    expect((await member.expect('message.pinned')).data).toMatchObject({ pinned_by: 'ben' });
  });
});

describe('an operation of the host’s own handler', () => {
  class Starring extends EventHandler {
    async starRoom(roomId: string): Promise<{ stars: number }> {
      const stars = await this.scope.write({ roomIds: [roomId] }, (options) => this._starRoom(roomId, options));
      if (stars === 2) throw new Error('After the commit');
      return { stars };
    }

    async _starRoom(roomId: string, { transaction }: WriteOptions): Promise<number> {
      const property = await this.models.RoomProperty.findByPk(roomId, { transaction });
      const stars = Number((property!.preferences as { stars?: number }).stars ?? 0) + 1;
      await property!.update({ preferences: { stars } }, { transaction });
      if (stars > 3) throw new ValidationError('Enough stars.');
      return stars;
    }
  }

  class StarringConsumer extends ChatMessagingConsumer {
    declare readonly eventHandler: Starring;

    async receiveRoomStar({ room_id }: { room_id: string }): Promise<void> {
      await this.commit(
        () => this.eventHandler.starRoom(room_id),
        () => {
          this.sendGroup(`group-${room_id}`, 'room.starred', { by: this.user.username });
          this.acknowledge({ room_id });
        },
      );
    }
  }

  test('commits, tells and answers like the built-in ones', async () => {
    host = await openTestChat({
      eventHandlerClass: Starring,
      consumerClass: StarringConsumer,
      eventMapper: (consumer: StarringConsumer): EventMap => ({
        ...mapEventTypesToHandlers(consumer),
        'room.star': {
          guard: canAccessRoom,
          handler: consumer.receiveRoomStar,
          schema: Joi.object({ room_id: id() }),
        },
      }),
    });
    const { ann, ben } = host.people;
    const room = await host.group(ann, ben);
    const [one, other] = [await host.connect(ann), await host.connect(ben)];
    for (let star = 1; star <= 3; star++) {
      expect((await one.request('room.star', { room_id: room })).data).toEqual({ status: 'successful', room_id: room });
      expect(await other.next()).toMatchObject({ eventType: 'room.starred', room_id: room, data: { by: 'ann' } });
    }
    expect((await one.request('room.star', { room_id: room })).error).toEqual({ code: 4003, detail: 'Enough stars.' });
    await other.silence();
    const property = await host.chat.models.RoomProperty.findByPk(room);
    expect(property!.preferences).toEqual({ stars: 3 });
  });
});

describe('the asker', () => {
  class Asked extends ChatMessagingConsumer {
    async receiveTally({ room_id }: { room_id: string }): Promise<void> {
      const count = await this.transaction([room_id], async ({ transaction }) => {
        this.sendGroup(`group-${room_id}`, 'tally.asked', { by: this.user.username });
        return this.models.RoomMember.count({ where: { room_id }, transaction });
      });
      this.send('tally.said', { count, channel: this.channelName, session: this.session?.id });
    }

    async receiveTwice(): Promise<void> {
      this.send('part', { number: 1 });
      this.send('part', { number: 2 });
    }

    async receiveKept({ room_id }: { room_id: string }): Promise<void> {
      await this.transaction([room_id], async ({ transaction }) => {
        await this.models.Room.update({ created_by_id: null }, { where: { id: room_id }, transaction });
        throw new ValidationError('Kept, and refused.', { commit: true });
      });
    }

    async receiveBrokenLater({ room_id }: { room_id: string }): Promise<void> {
      await this.transaction([room_id], async () => this.sendGroup(`group-${room_id}`, 'later.done', {}));
      throw new Error('After the commit');
    }

    async receiveParts({ room_id }: { room_id: string }): Promise<void> {
      for (const number of [1, 2]) {
        await this.transaction([room_id], async () => this.sendGroup(`user-${this.user.id}`, 'part', { number }));
      }
    }

    async receiveSecondTry({ room_id }: { room_id: string }): Promise<void> {
      const refused = this.transaction([room_id], async () => {
        throw new ValidationError('Not so.');
      });
      await refused.catch(() => undefined);
      await this.transaction([room_id], async () => this.sendGroup(`group-${room_id}`, 'second.done', {}));
    }

    async receiveNested({ room_id }: { room_id: string }): Promise<void> {
      await this.transaction([room_id], async ({ transaction }) => {
        await this.models.Room.update({ created_by_id: null }, { where: { id: room_id }, transaction });
        await this.eventHandler.createMessage({ room_id, content: 'Inside', extra_fields: { media: [] } }, this.user);
      });
    }

    async receiveInside({ room_id }: { room_id: string }): Promise<void> {
      await this.transaction([room_id], async (options) => {
        const data = { room_id, content: 'Inside', extra_fields: { media: [] } };
        const message = await this.eventHandler._createMessage(data, this.user, options);
        this.sendGroup(`group-${room_id}`, 'message.dispatch', message);
      });
    }

    async receiveOutside({ room_id }: { room_id: string }): Promise<void> {
      await this.models.Room.update({ created_by_id: null }, { where: { id: room_id } });
      this.sendGroup(`group-${room_id}`, 'outside.done', { by: this.user.username });
      this.sendGroup(`group-${room_id}`, 'outside.again', {});
    }
  }

  const schema = Joi.object({ room_id: id() });
  const mapEvents = (consumer: Asked): EventMap => ({
    ...mapEventTypesToHandlers(consumer),
    tally: { guard: canAccessRoom, handler: consumer.receiveTally, schema },
    twice: { guard: everyone, handler: consumer.receiveTwice, schema: Joi.object({}) },
    kept: { guard: canAccessRoom, handler: consumer.receiveKept, schema },
    later: { guard: canAccessRoom, handler: consumer.receiveBrokenLater, schema },
    parts: { guard: canAccessRoom, handler: consumer.receiveParts, schema },
    second: { guard: canAccessRoom, handler: consumer.receiveSecondTry, schema },
    nested: { guard: canAccessRoom, handler: consumer.receiveNested, schema },
    inside: { guard: canAccessRoom, handler: consumer.receiveInside, schema },
    outside: { guard: canAccessRoom, handler: consumer.receiveOutside, schema },
  });

  async function scene() {
    host = await openTestChat({ consumerClass: Asked, eventMapper: mapEvents });
    const { ann, ben } = host.people;
    const room = await host.group(ann, ben);
    return { room, asker: await host.connect(ann), other: await host.connect(ben), ann };
  }

  test('gets what is sent to it once the event has ended, after what others got', async () => {
    const { room, asker, other } = await scene();
    const answer = await asker.request<{ count: number }>('tally', { room_id: room });
    expect(answer).toMatchObject({
      eventType: 'tally.said',
      data: { count: 2, channel: expect.stringContaining('.'), session: expect.any(String) },
    });
    expect(asker.pending.map(({ eventType }) => eventType)).toEqual(['tally.asked']);
    await other.expect('tally.asked');
    await other.silence();
  });

  test('gets all that is sent, the id with the last', async () => {
    const { asker } = await scene();
    asker.send('twice', {}, 'mine');
    expect(await asker.next()).toEqual({ eventType: 'part', data: { number: 1 } });
    expect(await asker.next()).toEqual({ eventType: 'part', data: { number: 2 }, id: 'mine' });
    await asker.silence();
  });

  test('gets what one transaction did; a second one, which a crash would lose, is refused in the log', async () => {
    const { room, asker, other } = await scene();
    expect((await asker.request('parts', { room_id: room })).data).toEqual({ status: 'successful' });
    expect(asker.pending.splice(0).map(({ data }) => data)).toEqual([{ number: 1 }]);
    expect(JSON.stringify(host.log)).toContain('The event parts calls transaction() a second time');
    await asker.silence();
    await other.silence();
  });

  test('may be given another transaction when the first was undone', async () => {
    const { room, asker, other } = await scene();
    expect((await asker.request('second', { room_id: room })).data).toEqual({ status: 'successful' });
    expect((await other.next()).eventType).toBe('second.done');
    await other.silence();
  });

  test('gets 4006 at once for a write inside a transaction, which is undone; the _ method works there', async () => {
    const { room, asker, other } = await scene();
    expect((await asker.request('nested', { room_id: room })).error).toMatchObject({ code: 4006 });
    expect(JSON.stringify(host.log)).toContain('Inside a transaction call the method that begins with _');
    expect((await host.chat.models.Room.findByPk(room))!.created_by_id).not.toBe(null);
    await other.silence();
    expect((await asker.request('inside', { room_id: room })).data).toEqual({ status: 'successful' });
    expect((await other.next()).eventType).toBe('message.dispatch');
    expect(await host.texts(room)).toEqual(['Inside']);
  });

  test('gets the refusal of a transaction that was kept', async () => {
    const { room, asker, other } = await scene();
    expect((await asker.request('kept', { room_id: room })).error).toEqual({
      code: 4003,
      detail: 'Kept, and refused.',
    });
    expect((await host.chat.models.Room.findByPk(room))!.created_by_id).toBe(null);
    await other.silence();
    await asker.silence();
  });

  test('hears of the success of what failed only after its commit', async () => {
    const { room, asker, other, ann } = await scene();
    expect((await asker.request('later', { room_id: room })).data).toEqual({ status: 'successful' });
    await other.expect('later.done');
    expect(await host.chat.as(ann).send('later', { room_id: room })).toEqual({ status: 'successful' });
    expect(host.log.map(({ message }) => message)).toContain('The event was committed, but something after it failed.');
  });

  test('is acknowledged after broadcasts sent without a transaction, in their order', async () => {
    const { room, asker, other } = await scene();
    expect((await asker.request('outside', { room_id: room })).data).toEqual({ status: 'successful' });
    for (const client of [asker, other]) {
      expect((await client.next()).eventType).toBe('outside.done');
      expect((await client.next()).eventType).toBe('outside.again');
    }
  });
});

describe('groups', () => {
  class Grouping extends ChatMessagingConsumer {
    async receiveWatch({ room_id }: { room_id: string }): Promise<void> {
      this.addChannelToGroup(`group-${room_id}`);
      this.sendGroup(`group-${room_id}`, 'watching', { user: this.user.id });
    }

    async receiveUnwatch({ room_id }: { room_id: string }): Promise<void> {
      this.discardChannelFromGroup(`group-${room_id}`, this.user.id, [['unwatched', { room_id }]]);
      this.sendGroup(`group-${room_id}`, 'alone.again', {});
    }

    async receiveOdd(): Promise<void> {
      this.sendGroup('staff', 'odd', {});
    }
  }

  test('take and lose all connections of a user', async () => {
    const schema = Joi.object({ room_id: id() });
    host = await openTestChat({
      consumerClass: Grouping,
      eventMapper: (consumer: Grouping): EventMap => ({
        ...mapEventTypesToHandlers(consumer),
        watch: { guard: everyone, handler: consumer.receiveWatch, schema },
        unwatch: { guard: everyone, handler: consumer.receiveUnwatch, schema },
        odd: { guard: everyone, handler: consumer.receiveOdd, schema: Joi.object({}) },
      }),
    });
    const { ann, dan } = host.people;
    const room = await host.group(ann);
    const [member, one, two] = [await host.connect(ann), await host.connect(dan), await host.connect(dan)];
    await one.request('watch', { room_id: room });
    for (const client of [member, one, two]) await client.expect('watching');
    await member.request('message.send', { room_id: room, content: 'Hello' });
    for (const client of [member, one, two]) await client.expect('message.dispatch');
    await two.request('unwatch', { room_id: room });
    for (const client of [one, two]) expect((await client.next()).eventType).toBe('unwatched');
    expect((await member.next()).eventType).toBe('alone.again');
    await member.request('message.send', { room_id: room, content: 'Bye' });
    await one.silence();
    await two.silence();
    expect(errorOf(await one.request('odd', {})).code).toBe(4006);
    expect(JSON.stringify(host.log)).toContain('use group-<room id> or user-<user id>');
  });
});

describe('a guard of one’s own', () => {
  test('answers with rooms, with yes, with no, or not at all, which is a no', async () => {
    class Greeting extends ChatMessagingConsumer {
      async receiveGreeting(): Promise<void> {
        this.send('greeting', { room: this.room?.get('id') ?? null });
      }
    }
    const guards: Record<string, Guard<unknown>> = {
      yes: async () => true,
      staff: async ({ user }) => (user as { is_staff?: boolean }).is_staff === true,
      nothing: (async () => undefined) as never,
      thrown: async () => {
        throw new PermissionDenied('Not for you.');
      },
      room: async ({ permissionHandler, user }, data, options) => {
        const { room_id } = data as { room_id: string };
        const { room } = await permissionHandler.haveRoomPermission(user, room_id, options);
        return { roomIds: [room_id], room };
      },
    };
    host = await openTestChat({
      consumerClass: Greeting,
      eventMapper: (consumer: Greeting): EventMap => ({
        ...mapEventTypesToHandlers(consumer),
        ...Object.fromEntries(
          Object.entries(guards).map(([name, guard]) => [
            name,
            { guard, handler: consumer.receiveGreeting, schema: Joi.object({ room_id: Joi.string() }) },
          ]),
        ),
      }),
    });
    const { ann, dan } = host.people;
    const room = await host.group(ann);
    const [plain, staff] = [await host.connect(ann), await host.connect(dan)];
    expect((await plain.request('yes', {})).data).toEqual({ room: null });
    expect((await staff.request('staff', {})).data).toEqual({ room: null });
    expect(errorOf(await plain.request('staff', {})).code).toBe(4002);
    expect(errorOf(await plain.request('nothing', {})).code).toBe(4002);
    expect((await plain.request('thrown', {})).error).toEqual({ code: 4002, detail: 'Not for you.' });
    expect((await plain.request('room', { room_id: room })).data).toEqual({ room });
  });
});

describe('the event map', () => {
  test('can lose events, give them other names, and put others in their place', async () => {
    class Replacing extends ChatMessagingConsumer {
      override async receiveRoomInfo(data: EventPayloads['room.info']): Promise<void> {
        await super.receiveRoomInfo(data);
        this.send('looked', { room_id: data.room_id });
      }

      async receivePing(): Promise<void> {
        this.send('pong', {});
      }
    }
    host = await openTestChat({
      consumerClass: Replacing,
      eventMapper: (consumer: Replacing): EventMap => {
        const events = mapEventTypesToHandlers(consumer);
        delete events['room.join'];
        events['chat.say'] = events['message.send']!;
        events['room.list'] = { guard: everyone, handler: consumer.receivePing, schema: Joi.object({}) };
        return events;
      },
    });
    const { ann, ben } = host.people;
    const room = await host.group(ann, ben);
    const [client, other] = [await host.connect(ann), await host.connect(ben)];
    expect((await client.request('room.join', { room_id: room })).error).toBe('invalid event type');
    await expect(host.chat.as(ann).send('room.join', { room_id: room })).rejects.toThrow('room.join');
    expect((await client.request('chat.say', { room_id: room, content: '<b>Hi</b><script>' })).data).toMatchObject({
      seq: 1,
    });
    expect((await other.expect('message.dispatch')).data).toMatchObject({ content: '<b>Hi</b>' });
    expect(errorOf(await client.request('chat.say', { content: 'Hi' })).code).toBe(4003);
    expect((await client.request('room.list', {})).eventType).toBe('pong');
    expect((await client.request('room.info', { room_id: room })).eventType).toBe('looked');
    await client.expect('roominfo.dispatch');
  });
});

describe('a connection', () => {
  test('limits what comes, by an error thrown from receive', async () => {
    class Limited extends ChatConnection {
      #left = 2;

      override async receive(text: string | Buffer): Promise<void> {
        const { event_type } = JSON.parse(String(text)) as { event_type: string };
        if (event_type === 'message.send' && this.#left-- <= 0) throw new RateLimited(60, 'Two messages a minute.');
        await super.receive(text);
      }
    }
    host = await openTestChat({ connectionClass: Limited });
    const { ann } = host.people;
    const room = await host.group(ann);
    const client = await host.connect(ann);
    for (const [number, id] of ['a', 'b', 'c'].entries()) {
      client.send('message.send', { room_id: room, content: `Number ${number}` }, id);
    }
    expect((await client.answer('c')).error).toEqual({ code: 4029, detail: 'Two messages a minute.', retry_after: 60 });
    expect((await client.answer('a')).data).toMatchObject({ seq: 1 });
    expect(await host.texts(room)).toEqual(['Number 0', 'Number 1']);
    for (let taken = 0; taken < 3; taken++) await client.next();
    // What is no event at all is told as by the default.
    client.sendRaw('not json');
    expect(errorOf(await client.next()).code).toBe(4003);
  });

  test('answers by hand, and swallows what it does not pass on', async () => {
    class Silent extends ChatConnection {
      override async receive(text: string | Buffer): Promise<void> {
        const { event_type, id } = JSON.parse(String(text)) as { event_type: string; id?: string };
        if (event_type === 'room.list') return this.sendError({ code: 4029, detail: 'Not so fast.' }, id);
        if (event_type === 'room.discover') return this.send('own.frame', { swallowed: true });
        await super.receive(text);
      }
    }
    host = await openTestChat({ connectionClass: Silent });
    const client = await host.connect(host.people.ann);
    expect((await client.request('room.list', {})).error).toEqual({ code: 4029, detail: 'Not so fast.' });
    client.send('room.discover', {});
    expect(await client.next()).toEqual({ eventType: 'own.frame', data: { swallowed: true } });
    await client.silence();
  });

  test('is told apart by what is thrown: own errors by their code, bugs as 4006, after super only in the log', async () => {
    class Throwing extends ChatConnection {
      override async receive(text: string | Buffer): Promise<void> {
        const frame = JSON.parse(String(text)) as { event_type: string };
        if (frame.event_type === 'room.join') throw new PermissionDenied('Closed today.');
        if (frame.event_type === 'room.leave') throw new TypeError('A bug');
        await super.receive(text);
        if (frame.event_type === 'room.list') throw new Error('Too late');
      }
    }
    host = await openTestChat({ connectionClass: Throwing });
    const client = await host.connect(host.people.ann);
    expect((await client.request('room.join', {})).error).toEqual({ code: 4002, detail: 'Closed today.' });
    expect((await client.request('room.leave', {})).error).toEqual({ code: 4006, detail: 'Internal server error.' });
    expect((await client.request('room.list', {})).eventType).toBe('roomlist.dispatch');
    client.sendRaw('{"event_type": ');
    expect(errorOf(await client.next()).code).toBe(4003);
    await client.silence();
    expect(host.log.map(({ message }) => message)).toEqual([
      'A frame failed.',
      'A frame was received, but something after that failed.',
    ]);
  });

  test('hooks connect and disconnect, with user and session', async () => {
    const seen: unknown[][] = [];
    class Timed extends ChatConnection {
      connectedAt = 0;

      override async connect(): Promise<void> {
        await super.connect();
        this.connectedAt = Date.now();
        const { username } = this.user as { username: string };
        seen.push(['connected', username, typeof this.session?.id, this.channelName.length > 10]);
        this.send('welcome', { username });
      }

      override async disconnect(code: number): Promise<void> {
        const { username } = this.user as { username: string };
        seen.push(['disconnected', username, Date.now() - this.connectedAt >= 0, code]);
        await super.disconnect(code);
      }
    }
    host = await openTestChat({ connectionClass: Timed });
    const client = await host.connect(host.people.ben);
    expect((await client.next()).data).toEqual({ username: 'ben' });
    await client.close();
    await expect
      .poll(() => seen, { timeout: 10_000 })
      .toEqual([
        ['connected', 'ben', 'string', true],
        ['disconnected', 'ben', true, 1000],
      ]);
    await expect.poll(() => host.chat.models.Session.count(), { timeout: 10_000 }).toBe(0);
  });

  test('leaves its rooms and its session, whatever an override of disconnect does', async () => {
    class Careless extends ChatConnection {
      override disconnect(): Promise<void> {
        const { username } = this.user as { username: string };
        if (username === 'ann') throw new Error('At once');
        if (username === 'ben') return Promise.reject(new Error('Later'));
        return Promise.resolve();
      }
    }
    host = await openTestChat({ connectionClass: Careless });
    for (const who of ['ann', 'ben', 'cleo'] as const) await (await host.connect(host.people[who])).close();
    await expect.poll(() => host.chat.models.Session.count(), { timeout: 10_000 }).toBe(0);
    const reasons = host.log.filter(({ message }) => message === 'Disconnecting failed.');
    expect(reasons).toHaveLength(2);
  });

  test('is closed with 1013 when connect does not wait for super.connect, and the log says what to write', async () => {
    class Hasty extends ChatConnection {
      override async connect(): Promise<void> {
        void super.connect();
      }
    }
    host = await openTestChat({ connectionClass: Hasty });
    const client = await host.connect(host.people.ann, { takeFirst: false });
    expect((await client.closed).code).toBe(1013);
    const stranger = await host.connect({ id: 999 }, { takeFirst: false });
    expect([1013, 4001]).toContain((await stranger.closed).code);
    expect(JSON.stringify(host.log)).toContain('connect() of Hasty ended before super.connect() had');
  });
});
