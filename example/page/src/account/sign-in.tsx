import { type FormEvent, useState } from 'react';
import { Logo } from '../ui/logo.tsx';
import type { AccountState } from './account.ts';
import { signIn, signUp } from './api.ts';

const demoNames = ['alice', 'bob', 'carol', 'dave', 'erin', 'frank'];
const demoPassword = 'password';

/** Signs in, or makes an account of the same two fields. */
export function SignIn({
  notice,
  isDemo,
  onEnter,
}: {
  notice: string;
  isDemo: boolean;
  onEnter: AccountState['enter'];
}) {
  const [username, setUsername] = useState('');
  const [password, setPassword] = useState('');
  const [stay, setStay] = useState(false);
  const [problem, setProblem] = useState(notice);
  const [isBusy, setIsBusy] = useState(false);

  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const { submitter } = event.nativeEvent as SubmitEvent;
    const isNew = (submitter as HTMLButtonElement | null)?.value === 'create';
    setIsBusy(true);
    setProblem('');
    try {
      onEnter(await (isNew ? signUp : signIn)({ username: username.trim(), password }), stay);
    } catch (error) {
      setProblem((error as Error).message);
      setIsBusy(false);
    }
  };

  return (
    <main className="sign-in">
      <form className="sign-in-card" onSubmit={submit}>
        <p className="brand">
          <Logo />
          Lantern
        </p>
        <h1>Welcome</h1>
        <p className="quiet">Sign in, or choose a name and a password and create your account.</p>
        <label className="field">
          User name
          <input
            value={username}
            onChange={(event) => setUsername(event.target.value)}
            autoComplete="username"
            autoCapitalize="none"
            spellCheck={false}
            maxLength={32}
            required
          />
        </label>
        <label className="field">
          Password
          <input
            type="password"
            value={password}
            onChange={(event) => setPassword(event.target.value)}
            autoComplete="current-password"
            maxLength={200}
            required
          />
        </label>
        <label className="check">
          <input type="checkbox" checked={stay} onChange={(event) => setStay(event.target.checked)} />
          Stay signed in on this device
        </label>
        <p className="problem" role="alert">
          {problem}
        </p>
        <div className="sign-in-buttons">
          <button type="submit" className="button primary" disabled={isBusy}>
            Sign in
          </button>
          <button type="submit" className="button" value="create" disabled={isBusy}>
            Create account
          </button>
        </div>
        {isDemo && (
          <fieldset className="demo">
            <legend>Or try it as</legend>
            {demoNames.map((name) => (
              <button
                key={name}
                type="button"
                className="chip"
                onClick={() => {
                  setUsername(name);
                  setPassword(demoPassword);
                }}
              >
                {name}
              </button>
            ))}
          </fieldset>
        )}
      </form>
    </main>
  );
}
