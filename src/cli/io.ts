/** What a command may touch of the process. */
export interface CommandIo {
  /** What was asked for. */
  stdout(text: string): void;
  /** What went wrong, and progress. */
  stderr(text: string): void;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** 0: well; 1: the thing looked at is not well; 2: wrong use. */
export type ExitCode = 0 | 1 | 2;

export const processIo: CommandIo = {
  stdout: (text) => void process.stdout.write(text),
  stderr: (text) => void process.stderr.write(text),
  env: process.env,
};
