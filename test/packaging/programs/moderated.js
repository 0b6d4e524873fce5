/** A host's own test of an override, by the package's testing entry. Prints what it has seen and ends by itself. */
import assert from 'node:assert/strict';
import { EventHandler, ValidationError } from 'express-realtime-chat';
import { errorOf, openTestChat, Spy, waitForQueueEvent } from 'express-realtime-chat/testing';

const refusals = new Spy();

class ModeratedEventHandler extends EventHandler {
  async _createMessage(data, user, options) {
    if (/spam/i.test(data.content)) {
      refusals.call(data.content);
      throw new ValidationError('Message contains prohibited content');
    }
    return super._createMessage(data, user, options);
  }
}

async function main() {
  const host = await openTestChat({ eventHandlerClass: ModeratedEventHandler });
  const { ann, ben } = host.people;
  const room_id = await host.group(ann, ben);
  const [sender, other] = [await host.connect(ann), await host.connect(ben)];

  const refused = await sender.request('message.send', { room_id, content: 'Buy SPAM' });
  assert.deepEqual(errorOf(refused), { code: 4003, detail: 'Message contains prohibited content' });
  assert.equal(await refusals.next(), 'Buy SPAM');

  const completed = waitForQueueEvent(host.chat, 'completed', ({ eventType }) => eventType === 'message.send');
  await sender.request('message.send', { room_id, content: 'Hello' });
  assert.equal((await completed).roomId, room_id);
  assert.equal((await other.next()).data.content, 'Hello');
  assert.deepEqual(await host.texts(room_id), ['Hello']);
  await host.close();
  console.log('It moderates.');
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
