import type { SettingRow } from './sip-settings';
import { settingGroups } from './setting-definitions';

/** The page docs/settings.md, rendered from the definitions. */
export function settingsReference(): string {
  return [
    '# Settings',
    '',
    'Environment variables, read once at start. An empty value counts as unset. An unknown `RINGBRIDGE_` name, or a value',
    'that is not understood, stops the start with one line per problem. Durations carry their unit: `500ms`, `6s`, `20m`.',
    '',
    'This page is made from `src/config/setting-definitions.ts` and `sip-settings.ts`; a test fails when the two differ.',
    '',
    ...settingGroups.flatMap(({ title, about, settings }) => [
      `## ${title}`,
      '',
      ...(about === '' ? [] : [about, '']),
      '| setting | meaning | default |',
      '|---|---|---|',
      ...Object.values(settings).map(rowOf),
      '',
    ]),
  ].join('\n');
}

function rowOf({ env, doc, default: text }: SettingRow): string {
  return `| \`${env}\` | ${doc} | ${text === undefined ? 'unset' : `\`${text}\``} |`;
}
