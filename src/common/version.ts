/** The version of berth, as package.json has it (a test compares). */
export const version = '0.1.0';

/**
 * What is wanted for one root: the file `roots/ID.json`, readable by a person. What is really
 * there only the engine knows.
 */
export const API_VERSION = 'berth/v1';
