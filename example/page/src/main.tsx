import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { fetchSettings } from './account/api.ts';
import { App } from './app.tsx';
import './styles/index.css';
import { applyTheme } from './ui/theme.ts';

applyTheme();

const root = createRoot(document.getElementById('root')!);

fetchSettings().then(
  (settings) =>
    root.render(
      <StrictMode>
        <App settings={settings} />
      </StrictMode>,
    ),
  (error: Error) => root.render(<p className="failure">{error.message} Reload the page to try again.</p>),
);
