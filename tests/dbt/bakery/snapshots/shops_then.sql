{% snapshot shops_then %}
{{ config(target_schema='main', unique_key='shop_id', strategy='check', check_cols='all') }}
select * from {{ ref('stg_shops') }}
{% endsnapshot %}
