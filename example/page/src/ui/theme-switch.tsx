import { Icon, type IconName } from './icon.tsx';
import { type Theme, useTheme } from './theme.ts';

const choices: ReadonlyArray<{ theme: Theme; label: string; icon: IconName }> = [
  { theme: 'system', label: 'Colours of the device', icon: 'auto' },
  { theme: 'light', label: 'Light', icon: 'sun' },
  { theme: 'dark', label: 'Dark', icon: 'moon' },
];

/** Light, dark, or what the device says. */
export function ThemeSwitch() {
  const [theme, setTheme] = useTheme();
  return (
    <fieldset className="segments theme">
      <legend className="hidden">Colours</legend>
      {choices.map((choice) => (
        <label key={choice.theme} title={choice.label}>
          <input
            type="radio"
            name="theme"
            aria-label={choice.label}
            checked={choice.theme === theme}
            onChange={() => setTheme(choice.theme)}
          />
          <Icon name={choice.icon} />
        </label>
      ))}
    </fieldset>
  );
}
