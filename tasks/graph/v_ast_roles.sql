-- The role of a syntax tree's child in a parent whose grammar gives it no field's name.
SELECT column1 AS parent_kind, column2 AS role FROM (VALUES
  ('module', 'statement'), ('block', 'statement'),
  ('parameters', 'parameter'), ('lambda_parameters', 'parameter'),
  ('argument_list', 'argument'), ('type_parameter', 'argument'),
  ('list', 'element'), ('tuple', 'element'), ('set', 'element'), ('dictionary', 'element'),
  ('expression_list', 'element'), ('pattern_list', 'element'), ('list_pattern', 'element'),
  ('tuple_pattern', 'element'), ('union_type', 'element'), ('concatenated_string', 'element'),
  ('comparison_operator', 'operand'), ('conditional_expression', 'operand'), ('await', 'operand'),
  ('expression_statement', 'expression'), ('parenthesized_expression', 'expression'),
  ('type', 'expression'), ('interpolation', 'expression'), ('decorator', 'expression'),
  ('return_statement', 'value'), ('yield', 'value'), ('list_splat', 'value'),
  ('dictionary_splat', 'value'), ('list_splat_pattern', 'value'),
  ('dictionary_splat_pattern', 'value'), ('raise_statement', 'value'),
  ('delete_statement', 'value'), ('except_clause', 'value'), ('with_item', 'value'),
  ('assert_statement', 'condition'), ('if_clause', 'condition'),
  ('decorated_definition', 'decorator'),
  ('list_comprehension', 'clause'), ('set_comprehension', 'clause'),
  ('dictionary_comprehension', 'clause'), ('generator_expression', 'clause'),
  ('if_statement', 'clause'), ('for_statement', 'clause'), ('while_statement', 'clause'),
  ('try_statement', 'clause'), ('with_statement', 'clause'), ('match_statement', 'clause'),
  ('with_clause', 'item'), ('typed_parameter', 'name'), ('dotted_name', 'name'),
  ('global_statement', 'name'), ('nonlocal_statement', 'name'), ('as_pattern', 'value')
) AS roles
