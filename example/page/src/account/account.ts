import { createContext, useCallback, useContext, useMemo, useState } from 'react';
import type { Account } from './api.ts';

const key = 'chat-account';

/** Who is signed in, and changing that. */
export interface AccountState {
  account: Account | null;
  /** Why the last sign-in ended, when that was not the user's doing. */
  notice: string;
  /** `stay`: on this device until signed out; else as long as the tab lives, so that two tabs can be two users. */
  enter(account: Account, stay: boolean): void;
  leave(notice?: string): void;
}

/** Keeps the account over a reload of the page. */
export function useAccountState(): AccountState {
  const [account, setAccount] = useState(readAccount);
  const [notice, setNotice] = useState('');
  const enter = useCallback((next: Account, stay: boolean) => {
    (stay ? localStorage : sessionStorage).setItem(key, JSON.stringify(next));
    setNotice('');
    setAccount(next);
  }, []);
  const leave = useCallback((reason = '') => {
    sessionStorage.removeItem(key);
    localStorage.removeItem(key);
    setNotice(reason);
    setAccount(null);
  }, []);
  return useMemo(() => ({ account, notice, enter, leave }), [account, notice, enter, leave]);
}

/** The account, and the way out of it, for everything below the sign-in. */
export interface SignedIn {
  account: Account;
  signOut(): void;
}

/** Filled by the app. */
export const AccountContext = createContext<SignedIn | null>(null);

/** Who is signed in. */
export function useAccount(): SignedIn {
  const value = useContext(AccountContext);
  if (!value) throw new Error('Nobody is signed in here.');
  return value;
}

function readAccount(): Account | null {
  try {
    return JSON.parse(sessionStorage.getItem(key) ?? localStorage.getItem(key) ?? 'null') as Account | null;
  } catch {
    return null;
  }
}
