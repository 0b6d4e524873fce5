import { type ChatClientOptions, webOutboxStorage } from 'express-realtime-chat/client';
import { ChatProvider, useConnection } from 'express-realtime-chat/react';
import { type ReactNode, useEffect, useMemo } from 'react';
import { AccountContext, useAccountState } from './account/account.ts';
import type { Account, PageSettings } from './account/api.ts';
import { SignIn } from './account/sign-in.tsx';
import { Messenger } from './messenger.tsx';
import { NoticeProvider } from './ui/notices.tsx';

/** The page: sign in, then chat until that ends. */
export function App({ settings }: { settings: PageSettings }) {
  const { account, notice, enter, leave } = useAccountState();
  const signedIn = useMemo(() => account && { account, signOut: () => leave() }, [account, leave]);
  if (!account || !signedIn) return <SignIn key={notice} notice={notice} isDemo={settings.demo} onEnter={enter} />;
  return (
    <AccountContext value={signedIn}>
      <ChatProvider key={account.token} options={chatOptions(settings, account)}>
        <NoticeProvider>
          <UntilExpired onExpired={() => leave('Your session has ended. Please sign in again.')}>
            <Messenger />
          </UntilExpired>
        </NoticeProvider>
      </ChatProvider>
    </AccountContext>
  );
}

/** The token is good for one sign-in: when the server refuses it, there is no other. */
function chatOptions({ websocketPath }: PageSettings, { token, user }: Account): ChatClientOptions {
  return {
    url: new URL(websocketPath.replace(/^\/*/, './'), document.baseURI).href.replace(/^http/, 'ws'),
    token: (reason) => (reason === 'connect' ? token : null),
    userId: user.id,
    storage: webOutboxStorage(localStorage, `chat-outbox:${user.id}:`),
  };
}

function UntilExpired({ onExpired, children }: { onExpired: () => void; children: ReactNode }) {
  const { state } = useConnection();
  const isOver = state === 'unauthenticated';
  useEffect(() => {
    if (isOver) onExpired();
  });
  return children;
}
