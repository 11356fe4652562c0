import convict from 'convict';

import { nearestWord } from '../runtime/nearest-word';
import { settingDefinitions } from './setting-definitions';
import type { SettingDefinition } from './setting';
import { isLoopback } from './setting-formats';
import { sipSettings } from './sip-settings';

type Definitions = typeof settingDefinitions;

/** Every setting, parsed. Frozen: a change needs a restart. */
export type Settings = {
  readonly [Name in keyof Definitions]: Definitions[Name] extends SettingDefinition<infer T> ? T : never;
};

/** All that is wrong with the environment, one line per problem. The lines hold no secrets. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
  constructor(readonly problems: readonly string[]) {
    super(problems.join('\n'));
  }
}

const definitions = Object.entries(settingDefinitions) as [keyof Settings, SettingDefinition<unknown>][];
const ownPrefix = 'RINGBRIDGE_';
/** An echo of what was typed needs no more. */
const echoLengthMax = 80;

/** Reads the settings from an environment; an empty value counts as unset. Throws `SettingsError`. */
export function loadSettings(env: Readonly<Record<string, string | undefined>>): Settings {
  const problems = unknownNames(env);
  const schema = Object.fromEntries(definitions.map(([name, definition]) => [name, schemaOf(definition, problems)]));
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''));
  // Without `args` convict would read the command line as well.
  const texts = convict<Record<string, string | null>>(schema, { env: given, args: [] });
  texts.validate({ allowed: 'strict' });
  const values = Object.fromEntries(
    definitions.map(([name, definition]) => [name, valueOf(definition, texts.get(name))]),
  );
  const settings = values as unknown as Settings;
  if (problems.length === 0) problems.push(...contradictions(settings));
  if (problems.length > 0) throw new SettingsError(problems);
  return deepFreeze(settings);
}

/**
 * `NAME=value` lines for the banner: what is set or has a default; of a secret only that it is set. Of the many limits of the
 * SIP server only those that were changed.
 */
export function describeSettings(settings: Settings): string[] {
  return definitions.flatMap(([name, definition]) => {
    const value: unknown = settings[name];
    if (value === undefined || value === null || (name in sipSettings && isDefault(definition, value))) return [];
    return [`${definition.env}=${definition.sensitive ? '(set)' : definition.format.print(value)}`];
  });
}

function isDefault({ format, default: text }: SettingDefinition<unknown>, value: unknown): boolean {
  const parsed = text === undefined ? undefined : format.parse(text);
  return parsed !== undefined && 'value' in parsed && JSON.stringify(parsed.value) === JSON.stringify(value);
}

/** Convict asks the format about the default, too; nothing is thrown, so that all problems are found in one pass. */
function schemaOf(definition: SettingDefinition<unknown>, problems: string[]): convict.SchemaObj<string> {
  return {
    doc: definition.doc,
    env: definition.env,
    default: definition.default ?? null,
    nullable: true,
    sensitive: definition.sensitive,
    format: (text: string) => {
      const parsed = definition.format.parse(text.trim());
      if ('value' in parsed) return;
      const got = definition.sensitive ? '' : `, got ${JSON.stringify(text.slice(0, echoLengthMax))}`;
      problems.push(`${definition.env}: expected ${parsed.expected}${got}`);
    },
  };
}

function valueOf(definition: SettingDefinition<unknown>, text: string | null): unknown {
  if (text === null) return undefined;
  const parsed = definition.format.parse(text.trim());
  return 'value' in parsed ? parsed.value : undefined;
}

function unknownNames(env: Readonly<Record<string, string | undefined>>): string[] {
  const known = definitions.map(([, definition]) => definition.env);
  return Object.keys(env)
    .filter((name) => name.startsWith(ownPrefix) && !known.includes(name))
    .sort()
    .map((name) => {
      const nearest = nearestWord(
        name.slice(ownPrefix.length),
        known.map((one) => one.slice(ownPrefix.length)),
      );
      const hint = nearest === undefined ? '' : `; did you mean ${ownPrefix}${nearest}?`;
      return `${name.slice(0, echoLengthMax)}: no such setting${hint}`;
    });
}

/** What no setting can see alone. */
function contradictions(settings: Settings): string[] {
  const problems: string[] = [];
  problems.push(...tlsContradictions(settings));
  problems.push(...clusterContradictions(settings));
  problems.push(...freeswitchContradictions(settings));
  const { sipRegisterMinMs: least, sipRegisterDefaultMs: usual, sipRegisterMaxMs: most } = settings;
  if (least > usual || usual > most) {
    problems.push('RINGBRIDGE_SIP_REGISTER_DEFAULT: must lie between RINGBRIDGE_SIP_REGISTER_MIN and _MAX');
  }
  if (settings.realtimeModel.startsWith('simulator:')) {
    problems.push('RINGBRIDGE_REALTIME_MODEL: say simulator, and how it behaves in RINGBRIDGE_SIMULATOR');
  }
  if (settings.openaiApiKey !== undefined && sendsInClear(settings.realtimeUrl)) {
    problems.push('RINGBRIDGE_REALTIME_URL: ws: would send OPENAI_API_KEY in clear over the network; use wss:');
  }
  return problems;
}

/** Passwords that these servers are shipped with: whoever finds the port knows them. */
const shippedSecrets = { drachtio: 'cymru', freeswitch: ['ClueCon', 'JambonzR0ck$'] };

function clusterContradictions(settings: Settings): string[] {
  const { drachtio, drachtioSecret, drachtioListen, drachtioTags, freeswitch } = settings;
  const problems: string[] = [];
  const admins = [...(drachtio ?? []), ...(drachtioListen === undefined ? [] : [drachtioListen])];
  if (admins.length > 0 && drachtioSecret === undefined) {
    const needing = drachtio === undefined ? 'RINGBRIDGE_DRACHTIO_LISTEN' : 'RINGBRIDGE_DRACHTIO';
    problems.push(`RINGBRIDGE_DRACHTIO_SECRET: needed with ${needing}; there is no default secret`);
  }
  if (drachtioSecret === shippedSecrets.drachtio && leavesMachine(admins)) {
    problems.push('RINGBRIDGE_DRACHTIO_SECRET: everybody knows this one; outside of loopback choose another');
  }
  if (drachtioTags !== undefined && drachtio === undefined) {
    problems.push('RINGBRIDGE_DRACHTIO_TAGS: only with RINGBRIDGE_DRACHTIO');
  }
  if (leavesMachine([...admins, ...(freeswitch ?? [])]) && settings.rtpAddress === undefined) {
    problems.push('RINGBRIDGE_RTP_ADDRESS: needed with servers on other machines, which send our RTP there');
  }
  return problems;
}

function freeswitchContradictions(settings: Settings): string[] {
  const { freeswitch, freeswitchSecret, freeswitchListen, freeswitchAdvertise } = settings;
  if (freeswitch === undefined) {
    const idle = [
      ['RINGBRIDGE_FREESWITCH_SECRET', freeswitchSecret],
      ['RINGBRIDGE_FREESWITCH_LISTEN', freeswitchListen],
      ['RINGBRIDGE_FREESWITCH_ADVERTISE', freeswitchAdvertise],
    ] as const;
    const set = idle.filter(([, value]) => value !== undefined);
    return set.map(([name]) => `${name}: there is no RINGBRIDGE_FREESWITCH that would use it`);
  }
  const problems: string[] = [];
  if (settings.codecs !== undefined) {
    problems.push('RINGBRIDGE_CODECS: not with RINGBRIDGE_FREESWITCH, which is told its codecs by its own profile');
  }
  if (freeswitchSecret === undefined) {
    problems.push('RINGBRIDGE_FREESWITCH_SECRET: needed with RINGBRIDGE_FREESWITCH; there is no default secret');
  } else if (shippedSecrets.freeswitch.includes(freeswitchSecret) && leavesMachine(freeswitch)) {
    problems.push('RINGBRIDGE_FREESWITCH_SECRET: everybody knows this one; outside of loopback choose another');
  }
  if (leavesMachine(freeswitch) && freeswitchListen === undefined) {
    problems.push('RINGBRIDGE_FREESWITCH_LISTEN: needed for a FreeSWITCH on another machine, which calls us back');
  }
  const isWildcard = freeswitchListen?.host === '0.0.0.0' || freeswitchListen?.host === '::';
  if (isWildcard && freeswitchAdvertise === undefined) {
    problems.push('RINGBRIDGE_FREESWITCH_ADVERTISE: needed when RINGBRIDGE_FREESWITCH_LISTEN names every address');
  }
  if (settings.drachtioListen !== undefined && settings.drachtio === undefined) {
    problems.push('RINGBRIDGE_DRACHTIO: needed with RINGBRIDGE_FREESWITCH, whose channels are called through it');
  }
  return problems;
}

function leavesMachine(servers: readonly { host: string }[]): boolean {
  return servers.some(({ host }) => host !== 'localhost' && !isLoopback(host));
}

function tlsContradictions({ sipListen, drachtioListen, sipTlsCert, sipTlsKey }: Settings): string[] {
  const files = [
    ['RINGBRIDGE_SIP_TLS_CERT', sipTlsCert],
    ['RINGBRIDGE_SIP_TLS_KEY', sipTlsKey],
  ] as const;
  const user = sipListen.some(({ transport }) => transport === 'tls')
    ? 'a tls: address in RINGBRIDGE_SIP_LISTEN'
    : drachtioListen?.tls === true
      ? 'the tls: address in RINGBRIDGE_DRACHTIO_LISTEN'
      : undefined;
  if (user !== undefined) {
    const missing = files.filter(([, file]) => file === undefined);
    return missing.map(([name]) => `${name}: needed for ${user}`);
  }
  const idle = files.filter(([, file]) => file !== undefined);
  return idle.map(([name]) => `${name}: there is no tls: address in RINGBRIDGE_SIP_LISTEN that would use it`);
}

function sendsInClear(realtimeUrl: string): boolean {
  if (!realtimeUrl.toLowerCase().startsWith('ws:')) return false;
  const host = new URL(realtimeUrl).hostname.replace(/^\[|\]$/g, '');
  return host !== 'localhost' && !isLoopback(host);
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  for (const inner of Object.values(value)) deepFreeze(inner);
  return Object.freeze(value);
}
