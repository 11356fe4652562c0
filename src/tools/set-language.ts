import type { BuiltIn } from './built-in';
import { done, failed } from './tool-run';

/** Changes the language that is spoken and transcribed. */
export const setLanguage: BuiltIn = {
  description:
    'Speak another language from now on, because the caller speaks it or asks for it. Then go on in that language.',
  parameters: {
    language: { type: 'string', description: 'Two-letter ISO 639-1 code of the language, such as fr.', required: true },
  },
  async run({ language }, { control }) {
    const code = String(language).trim().toLowerCase();
    const outcome = await control.setLanguage(code);
    if (outcome === 'unknown') return failed('bad-arguments', 'That is no two-letter ISO 639-1 code of a language.');
    return done(JSON.stringify({ language: code, next: 'Go on in this language.' }));
  },
};
