export { default } from './out/settings.js';
