// @simplewebauthn/server, from the directory that is named: this file is not in it.

import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const require = createRequire(pathToFileURL(join(process.argv[2], 'package.json')));

export const TITLE = '@simplewebauthn/server';
export const NAME = `${TITLE} ${require('./package.json').dependencies[TITLE]}`;
export const { SettingsService, verifyAuthenticationResponse, verifyRegistrationResponse } =
  require(TITLE);
export const { COSEALG } = require(`${TITLE}/helpers`);
