/** The version of berth. A test compares it with package.json. */
export const version = '0.1.0';

/** The version of the format of records, lock files and JSON documents. */
export const API_VERSION = 'berth/v1';
