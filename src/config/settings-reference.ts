import { settingDefinitions } from './setting-definitions';

/** The page docs/settings.md, rendered from the definitions. */
export function settingsReference(): string {
  const rows = Object.values(settingDefinitions).map(
    ({ env, doc, default: text }) => `| \`${env}\` | ${doc} | ${text === undefined ? 'unset' : `\`${text}\``} |`,
  );
  return [
    '# Settings',
    '',
    'Environment variables, read once at start. An empty value counts as unset. An unknown `RINGBRIDGE_` name, or a value',
    'that is not understood, stops the start with one line per problem. Durations carry their unit: `500ms`, `6s`, `20m`.',
    '',
    'This page is made from `src/config/setting-definitions.ts`; a test fails when the two differ.',
    '',
    '| setting | meaning | default |',
    '|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}
