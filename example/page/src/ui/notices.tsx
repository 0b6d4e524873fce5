import { ChatError } from 'express-realtime-chat/client';
import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useState } from 'react';
import { sentenceOf } from './sentences.ts';

const shownFor = 6000;

interface Notices {
  /** Shows a sentence for some seconds. */
  say(sentence: string): void;
  /** Runs what may be refused, and says why it was. Resolves with whether it went well. */
  attempt(action: () => Promise<unknown>): Promise<boolean>;
}

const NoticeContext = createContext<Notices | null>(null);

/** Shows short news at the foot of the page. */
export function NoticeProvider({ children }: { children: ReactNode }) {
  const [notice, setNotice] = useState({ text: '', count: 0 });
  const say = useCallback((text: string) => setNotice(({ count }) => ({ text, count: count + 1 })), []);
  const attempt = useCallback(
    async (action: () => Promise<unknown>) => {
      try {
        await action();
        return true;
      } catch (error) {
        if (!(error instanceof ChatError)) throw error;
        say(sentenceOf(error));
        return false;
      }
    },
    [say],
  );
  useEffect(() => {
    if (!notice.text) return undefined;
    const timer = setTimeout(() => setNotice(({ count }) => ({ text: '', count })), shownFor);
    return () => clearTimeout(timer);
  }, [notice]);
  const value = useMemo(() => ({ say, attempt }), [say, attempt]);
  return (
    <NoticeContext value={value}>
      {children}
      <div className="notices" aria-live="polite">
        {notice.text && (
          <p key={notice.count} className="notice">
            {notice.text}
          </p>
        )}
      </div>
    </NoticeContext>
  );
}

/** Saying short news. */
export function useNotices(): Notices {
  const value = useContext(NoticeContext);
  if (!value) throw new Error('There is no NoticeProvider above this component.');
  return value;
}
