import { word } from './setting-formats';
import type { SettingFormat } from './setting-formats';

/** One setting. `T` includes undefined when there is no default. */
export interface SettingDefinition<T> {
  readonly env: string;
  /** For the reference page: Markdown, one line. */
  readonly doc: string;
  /** As an admin would write it; undefined: unset. */
  readonly default: string | undefined;
  readonly format: SettingFormat<NonNullable<T>>;
  /** Never printed. */
  readonly sensitive: boolean;
}

export function withDefault<T>(
  definition: Pick<SettingDefinition<T>, 'env' | 'doc' | 'format'> & { default: string },
): SettingDefinition<T> {
  return { ...definition, sensitive: false };
}

export function withoutDefault<T>(
  definition: Pick<SettingDefinition<T>, 'env' | 'doc' | 'format'>,
): SettingDefinition<T | undefined> {
  return { ...definition, default: undefined, sensitive: false };
}

export function withoutSecretDefault(definition: { env: string; doc: string }): SettingDefinition<string | undefined> {
  return { ...definition, default: undefined, format: word, sensitive: true };
}
