/** Prints what app and worker say about settings that do not fit, one line each; ends by itself. */
import { createChat } from 'express-realtime-chat';
import { createWorker } from 'express-realtime-chat/worker';

const parts = (name) => `./parts.js#${name}`;
const wrong = {
  eventHandlerClass: [parts('Permissions'), parts('PythonHandler'), parts('Nobody'), './nowhere.js#Handler', 7],
  permissionHandlerClass: [parts('ModeratedHandler')],
  exceptionHandlerClass: [parts('Consumer')],
  consumerClass: [parts('Connection')],
  connectionClass: [parts('Consumer')],
  eventMapper: [parts('Consumer'), parts('mapBareMethod')],
  models: [
    { Message: parts('LackingReaction') },
    { Message: parts('PriorityMessage') },
    { Reaction: parts('LackingReaction') },
    { Mesage: parts('PriorityMessage') },
  ],
  serializers: [
    { MessageSerializer: parts('ShortUserSerializer') },
    { MessageSerializer: parts('WrongMessageSerializer') },
    { MessageSerializer: parts('SeqMessageSerializer') },
  ],
  roomTypes: [
    { Ticket: { model: parts('PriorityMessage'), serializer: parts('Errors'), listSerializer: parts('Errors') } },
  ],
  messageSoftDelte: [true],
  inactivityThreshold: ['soon'],
};

async function main() {
  for (const [name, values] of Object.entries(wrong)) {
    for (const value of values) {
      const settings = { database: 'sqlite::memory:', logLevel: 'error', [name]: value };
      let said;
      try {
        createChat(settings);
        said = 'nothing';
      } catch (error) {
        said = error.message;
      }
      console.log(`${name}: ${said}`);
      // A connection is the app's alone. For the others one example each: a worker says the same.
      if (name === 'connectionClass' || value !== values[0]) continue;
      const worker = await createWorker({ ...settings, redis: 'redis://127.0.0.1:1' }).then(
        () => 'nothing',
        (error) => error.message,
      );
      if (worker !== said) console.log(`but a worker: ${worker}`);
    }
  }
  const chat = createChat({
    database: 'sqlite::memory:',
    logLevel: 'error',
    eventHandlerClass: parts('ModeratedHandler'),
  });
  try {
    chat.settings.messageSoftDelete = true;
  } catch (error) {
    console.log(`frozen: ${error.name}`);
  }
  await chat.close();
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
