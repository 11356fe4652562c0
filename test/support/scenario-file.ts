import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A scenario of the simulator in a folder of its own. */
export class ScenarioFile {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async write(scenario: { turns: object[]; [key: string]: unknown }): Promise<ScenarioFile> {
    const file = new ScenarioFile(await mkdtemp(join(tmpdir(), 'ringbridge-scenario-')));
    await writeFile(join(file.#folder, 'scenario.json'), JSON.stringify(scenario));
    return file;
  }

  /** As `RINGBRIDGE_SIMULATOR` names it. */
  get behaviour(): string {
    return `scenario:${join(this.#folder, 'scenario.json')}`;
  }

  /** As an agent names it. */
  get model(): string {
    return `simulator:${this.behaviour}`;
  }

  close(): Promise<void> {
    return rm(this.#folder, { recursive: true, force: true });
  }
}
