const UID = /^[0-9A-Za-z-]{1,64}$/;

/** The fields of a JSON object; undefined where the text is none. */
export function fieldsIn(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether metadata.uid can be this. */
export function isUid(value: unknown): value is string {
  return typeof value === 'string' && UID.test(value);
}
