import { randomUUID } from 'node:crypto';

/**
 * A UUIDv7 for what is made with every event. Node keeps random bytes in store for `randomUUID`; to fetch new ones from the
 * system for each id takes longer than all else that is done to make it.
 */
export function newId(): string {
  const time = Date.now().toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${randomUUID().slice(15)}`;
}
