import { MessageHandler } from './message.js';

/**
 * What events do, each operation in two methods: `createMessage` is the extension point, around the committed operation,
 * and `_createMessage` the replacement point, inside its transaction. Subclass it and name the class in
 * `eventHandlerClass`. One instance serves one event. Its parts: session.ts, notification.ts, room.ts, message.ts.
 */
export class EventHandler extends MessageHandler {}
