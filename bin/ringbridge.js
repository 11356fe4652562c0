#!/usr/bin/env node
'use strict';

const { existsSync } = require('node:fs');
const { join } = require('node:path');

const built = join(__dirname, '..', 'dist', 'cli', 'ringbridge.js');
if (existsSync(built)) {
  require(built);
} else {
  process.stderr.write('ringbridge: not built yet; run `npm start` once in the project folder.\n');
  process.exitCode = 1;
}
