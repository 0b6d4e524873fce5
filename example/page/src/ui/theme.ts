import { useState } from 'react';

/** `system` follows the device. */
export type Theme = 'system' | 'light' | 'dark';

const key = 'chat-theme';
const themes: readonly Theme[] = ['system', 'light', 'dark'];

/** The theme this device was set to. */
function readTheme(): Theme {
  const stored = localStorage.getItem(key);
  return themes.find((theme) => theme === stored) ?? 'system';
}

/** Shows the page in the chosen theme; called before the first render, so that nothing flashes. */
export function applyTheme(theme = readTheme()): void {
  document.documentElement.dataset.theme = theme;
}

/** The theme, and changing it. */
export function useTheme(): [Theme, (theme: Theme) => void] {
  const [theme, setTheme] = useState(readTheme);
  const change = (next: Theme) => {
    localStorage.setItem(key, next);
    applyTheme(next);
    setTheme(next);
  };
  return [theme, change];
}
