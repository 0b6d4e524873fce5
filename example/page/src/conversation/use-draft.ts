import { type Dispatch, useEffect, useReducer } from 'react';
import { useAccount } from '../account/account.ts';
import { type Draft, type DraftEvent, draftReducer, emptyDraft } from './draft.ts';

/** The draft of a room. Its text waits in the tab while other rooms are open, and over a reload. */
export function useDraft(roomId: string): [Draft, Dispatch<DraftEvent>] {
  const { account } = useAccount();
  const key = `chat-draft:${account.user.id}:${roomId}`;
  const [draft, change] = useReducer(draftReducer, key, readDraft);
  // An edit belongs to its message, not to the room.
  const text = draft.about?.kind === 'edit' ? '' : draft.text;
  useEffect(() => {
    if (text === '') sessionStorage.removeItem(key);
    else sessionStorage.setItem(key, text);
  }, [key, text]);
  return [draft, change];
}

function readDraft(key: string): Draft {
  const text = sessionStorage.getItem(key);
  return text ? { ...emptyDraft, text } : emptyDraft;
}
