/** The page: sign in, then chat until the sign-in ends. */

import { createAccount } from './chat/account.js';
import { ChatSession } from './chat/session.js';
import { chatView } from './views/chat.js';
import { notice } from './views/notices.js';
import { signInView } from './views/sign-in.js';

const root = document.getElementById('root');
const account = createAccount();
const settings = await account.settings();

function showSignIn() {
  document.title = 'Chat';
  root.replaceChildren(
    signInView({
      account,
      isDemo: settings.demo,
      onSignedIn: showChat,
    }),
  );
}

function showChat() {
  const session = new ChatSession({ account, websocketPath: settings.websocketPath });
  const signOut = (reason) => {
    session.close();
    account.forget();
    showSignIn();
    if (reason) notice(reason);
  };
  session.addEventListener('signedOut', () => signOut('Your sign-in has ended. Please sign in again.'));
  session.addEventListener('notice', (event) => notice(event.detail));
  root.replaceChildren(chatView(session, { onSignOut: () => signOut() }));
  session.start();
}

if (account.isSignedIn) showChat();
else showSignIn();
