import { CST, Lexer, Parser } from 'yaml';

import { problemCodes } from './plan-problem';
import type { ProblemCode } from './plan-problem';

/** Why a text must not reach the parser. */
export interface ScanFinding {
  readonly code: ProblemCode;
  readonly offset: number;
  readonly message: string;
  readonly expected: string;
}

/** Bounds the parser's work to about a second. Ten thousand routes have some 400,000. */
export const lexemesMax = 500_000;
/** The parser is recursive and each level of a block takes a column at least. */
const indentColumnsMax = 100;
const bracketsMax = 20;
export const aliasesMax = 100;
const anchorsMax = 1_000;
/** None is allowed, and these are enough to tell. */
const tagsMax = 100;
/** Line ends and signs that end something. Ten thousand routes have some 50,000. */
const signsMax = 200_000;

const scanLimits = {
  tooMuch: `at most ${lexemesMax} words and signs in one file`,
  tooDeep: `at most ${indentColumnsMax} columns of indentation and ${bracketsMax} open brackets`,
  aliases: `at most ${aliasesMax} aliases (*name) in one file`,
  anchors: `at most ${anchorsMax} anchors (&name) in one file`,
  tags: 'no tags; quotes make text of anything',
};

/** Everything that YAML 1.2 knows after a backslash (section 5.7). */
const badEscape = /\\[^0abtnvfre "/\\N_LPxuU\t\r\n]/;
/** Only tab, line feed and carriage return (YAML 1.2 section 5.1); the lexer uses some others as its own marks. */
const controlCharacter = /[^\t\n\r\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u;

/**
 * The syntax tokens of a text, or why they must not be composed: one pass in linear time finds what could exhaust the
 * composer, which is recursive. The parser in between keeps a stack of its own.
 */
export function scanYaml(text: string): CST.Token[] | ScanFinding {
  const crowded = textFinding(text);
  if (crowded !== undefined) return crowded;
  const parser = new Parser();
  const tokens: CST.Token[] = [];
  const state: ScanState = {
    offset: 0,
    lexemes: 0,
    aliases: 0,
    anchors: 0,
    tags: 0,
    brackets: 0,
    columns: 0,
    atLineStart: true,
  };
  let isScalar = false;
  for (const lexeme of new Lexer().lex(text)) {
    // The lexer's own marks are not part of the text.
    if (lexeme === CST.SCALAR || lexeme === CST.DOCUMENT || lexeme === CST.FLOW_END) {
      isScalar = lexeme === CST.SCALAR;
    } else {
      const finding = scanLexeme(lexeme, isScalar ? 'scalar' : CST.tokenType(lexeme), state);
      if (finding !== undefined) return finding;
      state.offset += lexeme.length;
      isScalar = false;
    }
    for (const token of parser.next(lexeme)) tokens.push(token);
  }
  for (const token of parser.end()) tokens.push(token);
  return tokens;
}

const isSign = new Uint8Array(128);
for (const sign of '\n,]}#') isSign[sign.charCodeAt(0)] = 1;

/** What a look at each character finds, many times cheaper than any parser. */
export function textFinding(text: string): ScanFinding | undefined {
  const control = controlCharacter.exec(text);
  if (control === null) return scanSigns(text);
  const [message, expected] = ['a control character', 'text without them'] as const;
  return { code: problemCodes.notText, offset: control.index, message, expected };
}

/** What is crowded with signs is no dialplan. */
function scanSigns(text: string): ScanFinding | undefined {
  let signs = 0;
  for (let offset = 0; offset < text.length; offset += 1) {
    signs += isSign[text.charCodeAt(offset)] ?? 0;
    if (signs > signsMax) {
      return { code: problemCodes.tooMuch, offset, message: 'the file says too much', expected: scanLimits.tooMuch };
    }
  }
  return undefined;
}

/** At the start of a line each of them opens a level: `- - x`, `? ? x`, `: : x`. */
const nestingSigns = new Set<string | null>(['seq-item-ind', 'explicit-key-ind', 'map-value-ind']);

interface ScanState {
  offset: number;
  lexemes: number;
  aliases: number;
  anchors: number;
  tags: number;
  brackets: number;
  /** Width of the current line's indentation, and its `- ` and `? `. */
  columns: number;
  atLineStart: boolean;
}

function scanLexeme(lexeme: string, type: CST.TokenType | 'scalar' | null, state: ScanState): ScanFinding | undefined {
  const { offset } = state;
  state.lexemes += 1;
  if (state.lexemes > lexemesMax) {
    return { code: problemCodes.tooMuch, offset, message: 'the file says too much', expected: scanLimits.tooMuch };
  }
  if (type === 'newline') {
    state.columns = 0;
    state.atLineStart = true;
  } else if (type === 'space') {
    if (state.atLineStart) state.columns += lexeme.length;
  } else if (state.atLineStart && nestingSigns.has(type)) {
    state.columns += lexeme.length;
    return depthFinding(state);
  } else if (type !== 'comment') {
    state.atLineStart = false;
    return scanContent(lexeme, type, state);
  }
  return undefined;
}

function scanContent(lexeme: string, type: CST.TokenType | 'scalar' | null, state: ScanState): ScanFinding | undefined {
  const { offset } = state;
  if (type === 'directive-line') {
    return { code: problemCodes.directive, offset, message: 'a % directive', expected: 'none: dialplans are YAML 1.2' };
  }
  if (type === 'double-quoted-scalar') return scanEscapes(lexeme, offset);
  if (type === 'alias') state.aliases += 1;
  if (state.aliases > aliasesMax) {
    return { code: problemCodes.tooManyAliases, offset, message: 'too many aliases', expected: scanLimits.aliases };
  }
  if (type === 'anchor') state.anchors += 1;
  if (state.anchors > anchorsMax) {
    return { code: problemCodes.tooManyAliases, offset, message: 'too many anchors', expected: scanLimits.anchors };
  }
  if (type === 'tag') state.tags += 1;
  if (state.tags > tagsMax) {
    return { code: problemCodes.tag, offset, message: 'nothing but tags', expected: scanLimits.tags };
  }
  if (type === 'flow-map-start' || type === 'flow-seq-start') state.brackets += 1;
  if (type === 'flow-map-end' || type === 'flow-seq-end') state.brackets = Math.max(0, state.brackets - 1);
  return depthFinding(state);
}

function depthFinding({ brackets, columns, offset }: ScanState): ScanFinding | undefined {
  // Inside brackets the columns mean nothing.
  if (brackets <= bracketsMax && (brackets > 0 || columns <= indentColumnsMax)) return undefined;
  return { code: problemCodes.tooDeep, offset, message: 'nested too deeply', expected: scanLimits.tooDeep };
}

/** The parser makes an error object of every bad escape, however many there are. */
function scanEscapes(token: string, offset: number): ScanFinding | undefined {
  const bad = badEscape.exec(token.replaceAll('\\\\', '__'));
  if (bad === null) return undefined;
  const message = `\\${token.charAt(bad.index + 1)} is no escape in double quotes`;
  const expected = '\\\\ for a backslash, or single quotes';
  return { code: problemCodes.syntax, offset: offset + bad.index, message, expected };
}
