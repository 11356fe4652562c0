import { bareSecrets } from './literal-secrets';
import { readFullYaml } from './full-yaml';
import { readPlainYaml } from './plain-yaml';
import type { PlanPath } from './plan-path';
import { problemsPerFileMax } from './plan-problem';
import type { PlanPosition, PlanProblem } from './plan-problem';
import { TextPlaces } from './text-places';
import { lexemesMax, textFinding } from './yaml-scan';
import type { YamlTree } from './yaml-tree';

/** What a file says, as plain data that inherits nothing, and where it says it. */
export interface YamlDocument {
  readonly root: unknown;
  /** The key's place for a map entry when `at` is `key`, else the value's. The nearest that exists, if it does not. */
  locate(path: PlanPath, at: 'key' | 'value'): PlanPosition;
  /** The first place of a text in a value; the value's own place when it is not written there as it is. */
  locateWithin(path: PlanPath, text: string): PlanPosition;
}

/** `document` is undefined when the text is not YAML at all. */
export interface YamlReading {
  document: YamlDocument | undefined;
  problems: PlanProblem[];
}

/** Reads one YAML 1.2 document under the core schema. Never throws, whatever the text. */
export function readYaml(file: string, text: string): YamlReading {
  const plain = textFinding(text) === undefined ? readPlainYaml(text, { lexemesMax }) : undefined;
  return plain === undefined ? readAnyYaml(file, text) : { document: documentOf(text, plain), problems: [] };
}

/** The same without the short way for what is written plainly, which takes a twentieth of the time. */
export function readAnyYaml(file: string, text: string): YamlReading {
  const places = new TextPlaces(text);
  const problems: PlanProblem[] = [];
  const tree = readFullYaml(text, (code, offset, message, expected) => {
    if (problems.length >= problemsPerFileMax) return;
    const position = places.at(offset);
    problems.push({ code, severity: 'error', file, position, message, expected, nearest: undefined });
  });
  return { document: tree && documentOf(text, tree), problems };
}

function documentOf(text: string, tree: YamlTree): YamlDocument {
  let shown: { places: TextPlaces; secrets: string[] } | undefined;
  // Most documents are never asked.
  const placeAt = (offset: number): PlanPosition => {
    shown ??= { places: new TextPlaces(text), secrets: bareSecrets(tree.root) };
    return hide(shown.places.at(offset), shown.secrets);
  };
  return {
    root: tree.root,
    locate: (path, at) => placeAt(tree.offsetOf(path, at)),
    locateWithin(path, wanted) {
      const offset = tree.offsetOf(path, 'value');
      const within = text.indexOf(wanted, offset);
      return placeAt(within === -1 ? offset : within);
    },
  };
}

/** A line may be shown with a message, but not what may be a password in it. */
function hide(position: PlanPosition, secrets: readonly string[]): PlanPosition {
  const text = secrets.reduce((line, secret) => line.replaceAll(secret, '*'.repeat(secret.length)), position.text);
  return { ...position, text };
}
