import { Icon, type IconName } from './icon.tsx';

const tones = 8;

/** A round picture, or an initial (or an icon) on a colour that always is the same for the same name. */
export function Avatar({ name, picture, icon }: { name: string; picture?: string | null; icon?: IconName }) {
  if (picture && /^https?:/.test(picture)) {
    return <img className="avatar" src={picture} alt="" referrerPolicy="no-referrer" loading="lazy" />;
  }
  const [initial = '?'] = name;
  return (
    <span className="avatar" data-tone={toneOf(name)} aria-hidden="true">
      {icon ? <Icon name={icon} /> : initial.toUpperCase()}
    </span>
  );
}

function toneOf(name: string): number {
  let sum = 7;
  for (const character of name) sum = (sum * 31 + character.codePointAt(0)!) % 9973;
  return sum % tones;
}
