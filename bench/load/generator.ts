/** The load generator's process: takes commands from the bench, one at a time. */
import type { Answer, Command } from './commands.js';
import { Crowd } from './crowd.js';

const crowd = new Crowd();

async function obey(command: Command): Promise<Answer> {
  switch (command.type) {
    case 'connect':
      return { result: await crowd.connect(command) };
    case 'send':
      return { result: await crowd.send(command) };
    case 'ask':
      return { result: await crowd.ask(command) };
    case 'disconnect':
      crowd.disconnect();
      return {};
  }
}

process.on('message', (command: Command) => {
  obey(command)
    .catch((error: Error): Answer => ({ fault: error.message }))
    .then((answer) => process.send?.({ ...answer, fault: crowd.fault ?? answer.fault } satisfies Answer));
});
// The bench is gone: nobody wants an answer any more.
process.on('disconnect', () => process.exit(0));
