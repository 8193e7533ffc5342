// The door: navigator.credentials, made where the browser has none.

const CredentialsContainer = interfaceObject("CredentialsContainer");
if (!("credentials" in navigator)) {
  const container = Object.create(CredentialsContainer.prototype);
  const { get } = Object.getOwnPropertyDescriptor({ get credentials() { return container; } },
    "credentials");
  Object.defineProperty(Navigator.prototype, "credentials",
    { get, enumerable: true, configurable: true });
}
if (!Credential.isConditionalMediationAvailable) {
  staticOperation(Credential, "isConditionalMediationAvailable", 0, () => false);
}
containerOperation(CredentialsContainer, "create", 0, withPublicKey(create));
containerOperation(CredentialsContainer, "get", 0, withPublicKey(get));
containerOperation(CredentialsContainer, "store", 1, store);
if (!CredentialsContainer.prototype.preventSilentAccess) {
  containerOperation(CredentialsContainer, "preventSilentAccess", 0, () => undefined);
}
