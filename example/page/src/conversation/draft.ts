import type { MediaUpload, MessageShape } from 'express-realtime-chat/client';
import { draftOf } from '../content/fragment.ts';

/** What is being written. */
export interface Draft {
  text: string;
  media: readonly MediaUpload[];
  /** The message that this answers, or changes. */
  about: { kind: 'reply' | 'edit'; message: MessageShape } | null;
  /** The text is an HTML fragment, because the message that is edited has formatting. */
  isSource: boolean;
}

/** What happens to a draft. */
export type DraftEvent =
  | { type: 'write'; text: string }
  | { type: 'attach'; media: MediaUpload }
  | { type: 'detach'; index: number }
  | { type: 'reply'; message: MessageShape }
  | { type: 'edit'; message: MessageShape }
  | { type: 'cancel' }
  | { type: 'clear' }
  | { type: 'restore'; draft: Draft };

/** Nothing is written. */
export const emptyDraft: Draft = { text: '', media: [], about: null, isSource: false };

/** The draft after an event. */
export function draftReducer(draft: Draft, event: DraftEvent): Draft {
  const isEdit = draft.about?.kind === 'edit';
  switch (event.type) {
    case 'write':
      return { ...draft, text: event.text };
    case 'attach':
      return { ...draft, media: [...draft.media, event.media] };
    case 'detach':
      return { ...draft, media: draft.media.filter((_, index) => index !== event.index) };
    case 'reply':
      return { ...(isEdit ? emptyDraft : draft), about: { kind: 'reply', message: event.message } };
    case 'edit':
      return { ...emptyDraft, ...draftOf(event.message.content), about: { kind: 'edit', message: event.message } };
    case 'cancel':
      return isEdit ? emptyDraft : { ...draft, about: null };
    case 'clear':
      return emptyDraft;
    case 'restore':
      return event.draft;
  }
}
