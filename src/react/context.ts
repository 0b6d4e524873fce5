import { createContext, createElement, type ReactNode, useContext, useEffect, useMemo, useRef, useState } from 'react';
import { type ChatClient, type ChatClientOptions, createChatClient } from '../client/index.js';
import { Stores } from './stores.js';

/** What the hooks find above them. */
export interface ChatContextValue {
  readonly chat: ChatClient;
  readonly stores: Stores;
}

const ChatContext = /* @__PURE__ */ createContext<ChatContextValue | null>(null);

/** Either a client, which stays its maker's to close, or the options to make one, which then lives as long as this. */
export type ChatProviderProps = { children?: ReactNode } & (
  | { client: ChatClient; options?: undefined }
  | { client?: undefined; options: ChatClientOptions }
);

/**
 * Gives a client to the hooks below. Nothing is connected while rendering, so that a server may render it too. The
 * `options` are read once: give the provider another `key` for another user.
 */
export function ChatProvider({ client, options, children }: ChatProviderProps): ReactNode {
  const [own] = useState(() => (client ? undefined : createChatClient({ ...options!, autoConnect: false })));
  const chat = client ?? own!;
  const closing = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => {
    if (!own) return undefined;
    clearTimeout(closing.current);
    own.connect();
    return () => {
      // Not at once: StrictMode ends and begins every effect once more, and the client should not notice.
      closing.current = setTimeout(() => own.close());
    };
  }, [own]);
  const value = useMemo(() => ({ chat, stores: new Stores(chat) }), [chat]);
  return createElement(ChatContext.Provider, { value }, children);
}

/** The client of the provider above, for everything that has no hook. */
export function useChat(): ChatClient {
  return useChatContext().chat;
}

/** The client and its stores. */
export function useChatContext(): ChatContextValue {
  const value = useContext(ChatContext);
  if (!value) throw new Error('There is no ChatProvider above this component.');
  return value;
}
