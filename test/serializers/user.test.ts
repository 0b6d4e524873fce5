import { DataTypes, Sequelize } from 'sequelize';
import { describe, expect, it } from 'vitest';
import { createSerializers } from '../../src/serializers/index.js';
import { alice } from './fixtures.js';

const serializer = (exposeEmail = false) => createSerializers({ exposeEmail }).getSerializer('UserSerializer');

describe('UserSerializer', () => {
  it('hides the email unless the host exposes it', () => {
    const shape = { id: 1, username: 'alice', email: null, first_name: 'Alice', last_name: null };
    expect(serializer().serialize(alice)).toEqual(shape);
    expect(serializer(true).serialize(alice)).toEqual({ ...shape, email: 'alice@example.org' });
  });

  it('shows null for fields that the host lacks', () => {
    expect(serializer(true).serialize({ id: 'u1' })).toEqual({
      id: 'u1',
      username: null,
      email: null,
      first_name: null,
      last_name: null,
    });
  });

  it('shows nothing else of a row', () => {
    const keys = Object.keys(serializer().serialize({ ...alice, password_hash: 'x' }));
    expect(keys).toEqual(['id', 'username', 'email', 'first_name', 'last_name']);
  });

  it('reads names and key of a model as the host calls them', async () => {
    const sequelize = new Sequelize({ dialect: 'sqlite', storage: ':memory:', logging: false });
    const User = sequelize.define('Person', {
      personId: { type: DataTypes.STRING, primaryKey: true },
      username: DataTypes.STRING,
      firstName: DataTypes.STRING,
      lastName: DataTypes.STRING,
    });
    const person = User.build({ personId: 'p1', username: 'bob', firstName: 'Bob', lastName: 'B.' });
    const shape = { id: 'p1', username: 'bob', email: null, first_name: 'Bob', last_name: 'B.' };
    expect(serializer().serialize(person)).toEqual(shape);
    await sequelize.close();
  });
});
