import { button, el, field } from './element.js';

/** Sign in, or sign up: one form, two modes. */
export function signInView({ account, isDemo, onSignedIn }) {
  let isNew = false;
  const username = el('input', {
    name: 'username',
    autocomplete: 'username',
    autocapitalize: 'none',
    required: true,
    maxlength: 32,
    pattern: '[A-Za-z0-9_]+',
    title: 'Letters, digits and underscores',
  });
  const password = el('input', {
    name: 'password',
    type: 'password',
    required: true,
    autocomplete: 'current-password',
  });
  const heading = el('h1', {});
  const submit = el('button', { type: 'submit', class: 'primary' });
  const other = button('', () => show(!isNew), { class: 'link' });
  const problem = el('p', { class: 'problem', role: 'alert' });

  function show(value) {
    isNew = value;
    heading.textContent = isNew ? 'New account' : 'Sign in';
    submit.textContent = isNew ? 'Create account' : 'Sign in';
    other.textContent = isNew ? 'I have an account already' : 'Create a new account';
    password.autocomplete = isNew ? 'new-password' : 'current-password';
    problem.textContent = '';
  }

  async function enter(event) {
    event.preventDefault();
    submit.disabled = true;
    problem.textContent = '';
    try {
      const fields = { username: username.value, password: password.value };
      await (isNew ? account.signUp(fields) : account.signIn(fields));
      onSignedIn();
    } catch (error) {
      problem.textContent = error.message;
      submit.disabled = false;
    }
  }

  show(false);
  return el(
    'main',
    { class: 'sign-in' },
    el(
      'form',
      { onsubmit: enter },
      heading,
      isDemo && el('p', { class: 'hint' }, 'Demo users: alice, bob, carol, dave, erin, frank. Password: password.'),
      field('User name', username),
      field('Password', password),
      problem,
      submit,
      other,
    ),
  );
}
