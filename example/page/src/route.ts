import { useSyncExternalStore } from 'react';

/** The open room stands in the address, so that "back" and a reload do what one expects. */
const pattern = /^#\/rooms\/([\w-]+)$/;

/** The address of a room in this page. */
export const roomHref = (roomId: string) => `#/rooms/${roomId}`;

/** Opens a room, or none. */
export function openRoom(roomId: string | null): void {
  location.hash = roomId === null ? '#/' : roomHref(roomId);
}

/** The id of the open room, or null. */
export function useOpenRoom(): string | null {
  return useSyncExternalStore(subscribe, read);
}

function subscribe(listener: () => void): () => void {
  addEventListener('hashchange', listener);
  return () => removeEventListener('hashchange', listener);
}

const read = () => pattern.exec(location.hash)?.[1] ?? null;
