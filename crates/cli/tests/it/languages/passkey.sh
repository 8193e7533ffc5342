towline virtual create --origin https://example.org --passkeys my.passkeys \
    < create-options.json > registration.json
towline virtual get --origin https://example.org --passkeys my.passkeys \
    < get-options.json > sign-in.json
towline virtual get --origin https://example.org --passkeys my.passkeys --person refuses \
    < get-options.json || test $? = 3
