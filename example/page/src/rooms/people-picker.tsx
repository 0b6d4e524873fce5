import { type KeyboardEvent, useEffect, useId, useState } from 'react';
import { useAccount } from '../account/account.ts';
import { findUsers, type Person } from '../account/api.ts';
import { Avatar } from '../ui/avatar.tsx';
import { Icon } from '../ui/icon.tsx';
import { fullNameOf } from './names.ts';

/** Chooses people by the beginning of their names. Arrow keys and Enter choose, Backspace takes the last one out. */
export function PeoplePicker({
  label,
  people,
  onChange,
  isSingle = false,
  without = new Set(),
}: {
  label: string;
  people: readonly Person[];
  onChange: (people: readonly Person[]) => void;
  isSingle?: boolean;
  /** Ids of those who are not offered. */
  without?: ReadonlySet<string>;
}) {
  const id = useId();
  const [query, setQuery] = useState('');
  const [active, setActive] = useState(0);
  const found = useFoundUsers(query);
  const chosen = new Set(people.map((person) => person.id));
  const offered = found.filter((person) => !chosen.has(person.id) && !without.has(String(person.id)));

  const choose = (person: Person) => {
    onChange(isSingle ? [person] : [...people, person]);
    setQuery('');
    setActive(0);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const person = offered[active];
    if (step !== undefined) setActive(Math.min(Math.max(0, active + step), Math.max(0, offered.length - 1)));
    else if (event.key === 'Enter' && person) choose(person);
    else if (event.key === 'Backspace' && query === '' && people.length > 0) onChange(people.slice(0, -1));
    else return;
    if (event.key !== 'Backspace') event.preventDefault();
  };

  return (
    <div className="field">
      <label htmlFor={`${id}-input`}>{label}</label>
      <div className="people">
        {people.map((person) => (
          <button
            key={person.id}
            type="button"
            className="person"
            aria-label={`Remove ${person.username}`}
            onClick={() => onChange(people.filter((one) => one !== person))}
          >
            {person.username}
            <Icon name="close" />
          </button>
        ))}
        <input
          id={`${id}-input`}
          role="combobox"
          aria-expanded={offered.length > 0}
          aria-controls={`${id}-list`}
          aria-activedescendant={offered[active] && `${id}-${offered[active].id}`}
          aria-autocomplete="list"
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          placeholder={people.length === 0 ? 'Type a user name' : ''}
          value={query}
          onChange={(event) => {
            setQuery(event.target.value);
            setActive(0);
          }}
          onKeyDown={onKeyDown}
        />
      </div>
      <div className="offered" role="listbox" id={`${id}-list`} aria-label="Users found">
        {offered.map((person, index) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the keys belong to the field above
          // biome-ignore lint/a11y/useFocusableInteractive: the focus stays in the field above
          <div
            key={person.id}
            id={`${id}-${person.id}`}
            className="choice"
            role="option"
            aria-label={person.username}
            aria-selected={index === active}
            onClick={() => choose(person)}
          >
            <Avatar name={person.username} />
            {person.username}
            <span className="quiet">{fullNameOf(person)}</span>
          </div>
        ))}
        {offered.length === 0 && <p className="empty">{query ? 'Nobody of that name.' : 'Nobody to choose.'}</p>}
      </div>
    </div>
  );
}

/** Users whose names begin so; a later answer to an earlier question is not taken. */
function useFoundUsers(query: string): readonly Person[] {
  const { account } = useAccount();
  const [found, setFound] = useState<readonly Person[]>([]);
  useEffect(() => {
    const abort = new AbortController();
    const timer = setTimeout(() => {
      findUsers(account.token, query.trim(), abort.signal).then(setFound, () => {});
    }, 120);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [account.token, query]);
  return found;
}
