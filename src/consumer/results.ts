import type { EventHandler } from '../handlers/event-handler.js';
import type { WorkerContext } from './worker-context.js';

/** What overrides of an operation must return, where it is not the Message or the Room. */
const wanted: Readonly<Record<string, string>> = {
  messageAcknowledged: 'a list of Messages',
  createReadReceipt: 'a list of [roomId, Messages]',
  reactToMessage: '{ status, type, message }',
  modifyMessage: '{ status, action, message } or { status, action, message_ids }',
  joinRoom: '{ room, members }, with who came in members',
  addMembersToRoom: '{ room, members }, with who came in members',
  leaveRoom: '{ room, members }, with who went in members',
  removeMembersFromRoom: '{ room, members }, with who went in members',
};

/** Whether the result has what the dispatches of the operation are made from. */
function fits(name: string, result: unknown): boolean {
  if (name === 'modifyRoom' && result === null) return true;
  if (typeof result !== 'object' || result === null) return false;
  const given = result as Record<string, unknown>;
  const how = wanted[name];
  if (how === undefined) return given.id !== undefined;
  if (how.startsWith('a list')) return Array.isArray(result);
  return how.startsWith('{ room') ? Array.isArray(given.members) : given.status !== undefined;
}

/**
 * Throws a sentence that names the method when an override of a host returns nothing, or something of another shape.
 */
export function refuseOtherResult(handler: EventHandler, name: string, result: unknown): void {
  if (fits(name, result)) return;
  const what = wanted[name] ?? (name === 'createMessage' ? 'the Message' : 'the Room');
  throw new TypeError(
    `${handler.constructor.name}: ${name} and _${name} must return ${what}, as super does, but gave ${shown(result)}.`,
  );
}

function shown(result: unknown): string {
  if (typeof result !== 'object' || result === null) return String(result);
  return Array.isArray(result) ? 'a list' : `an object with ${Object.keys(result).slice(0, 6).join(', ') || 'no keys'}`;
}

/** Logs, once for a chat, that an extension point returns something else than what was told: nobody gets that. */
export function warnOfOtherResult({ warned, logger }: WorkerContext, handler: EventHandler, name: string): void {
  if (warned.has(name)) return;
  warned.add(name);
  logger.warn(
    `${handler.constructor.name}.${name} returns something else than what was committed and told. To change what others get, override _${name}.`,
  );
}
